mod files;
mod hostile;
mod reference;

use super::*;
use crate::VOCAB_SIZE;

fn clip(context: usize) -> Tokenizer {
    Tokenizer::new(context, VOCAB_SIZE).unwrap()
}

#[test]
fn hello_world_has_the_ids_that_openai_documents() {
    assert_eq!(clip(7).encode("Hello World!"), [49406, 3306, 1002, 256, 49407, 0, 0]);
}

#[test]
fn long_texts_are_cut_before_their_end() {
    assert_eq!(clip(4).encode("a photo of a dog"), [49406, 320, 1125, 49407]);
}

#[test]
fn refusing_names_the_text_its_length_and_the_context() {
    let strict = clip(4).with_truncation(Truncation::Refuse);
    assert_eq!(strict.try_encode("a photo").unwrap(), [49406, 320, 1125, 49407]);
    let error = strict.try_encode("a photo of a dog").unwrap_err().to_string();
    assert_eq!(error, "the text \"a photo of a dog\" has 7 ids, more than the context length of 4");
    assert!(strict.try_encode_batch(&["a", "a photo of a dog"]).is_err());
}

#[test]
fn long_texts_are_shortened_in_errors() {
    let strict = clip(4).with_truncation(Truncation::Refuse);
    assert!(strict.try_encode(&"word ".repeat(10_000)).unwrap_err().to_string().len() < 400);
}

#[test]
fn padding_can_be_another_id() {
    let tokenizer = clip(5).with_padding(49_407);
    assert_eq!(tokenizer.encode("a"), [49406, 320, 49407, 49407, 49407]);
}

#[test]
fn batches_are_their_texts_one_after_the_other() {
    let tokenizer = clip(8);
    let texts: Vec<String> = (0..100).map(|number| format!("{number} dogs")).collect();
    let one_by_one: Vec<i32> = texts.iter().flat_map(|text| tokenizer.encode(text)).collect();
    assert_eq!(tokenizer.encode_batch(&texts), one_by_one);
    assert_eq!(tokenizer.try_encode_batch(&texts).unwrap(), one_by_one);
}

#[test]
fn special_tokens_spelled_out_have_their_ids() {
    let ids = clip(6).encode("<|startoftext|>a<|ENDOFTEXT|>");
    assert_eq!(ids, [49406, 49406, 320, 49407, 49407, 0]);
}

#[test]
fn decoding_gives_words_with_blanks_and_spells_special_tokens_out() {
    let tokenizer = clip(7);
    let decoded = tokenizer.decode(&tokenizer.encode("A café, señor"));
    assert_eq!(decoded, "<|startoftext|>a café , señor <|endoftext|>");
    assert_eq!(tokenizer.decode(&[0, -1, 49_408, 3306]), "!hello ");
}

#[test]
fn decoding_broken_characters_shows_that() {
    // The first byte of a character of three.
    assert_eq!(clip(7).decode(&[162]), "\u{fffd}");
}

#[test]
fn smaller_vocabularies_keep_the_first_merges() {
    let bytes = Tokenizer::new(8, 514).unwrap();
    assert_eq!((bytes.start(), bytes.end()), (512, 513));
    assert_eq!(bytes.encode("the"), [512, 83, 71, 256 + 68, 513, 0, 0, 0]);
    // `in`, `th` and `an` are the first merges.
    let some = Tokenizer::new(8, 517).unwrap();
    assert_eq!(some.encode("the"), [515, 513, 256 + 68, 516, 0, 0, 0, 0]);
}

#[test]
fn impossible_sizes_are_told() {
    assert!(matches!(Tokenizer::new(77, 513), Err(TokenizerError::VocabSize(513))));
    assert!(matches!(Tokenizer::new(77, 49_409), Err(TokenizerError::VocabSize(49_409))));
    assert!(matches!(Tokenizer::new(2, VOCAB_SIZE), Err(TokenizerError::ContextLength(2))));
}
