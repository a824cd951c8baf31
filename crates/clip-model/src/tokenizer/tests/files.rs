//! Against open_clip's tokenizers that come as files.

use std::path::PathBuf;

use serde::Deserialize;

use super::*;

#[derive(Deserialize)]
struct Goldens {
    texts: Vec<String>,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    folder: String,
    cleaning: String,
    context: usize,
    stripped: Option<String>,
    ids: Vec<Vec<i32>>,
}

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/tokenizer")
}

fn open(folder_name: &str, context: usize) -> Result<Tokenizer, TokenizerError> {
    let path = folder().join(folder_name).join("tokenizer.json");
    Tokenizer::from_file(path, context, FileOptions::default())
}

#[test]
fn ids_equal_open_clip_s() {
    let json = std::fs::read(folder().join("files.json")).unwrap();
    let goldens: Goldens = serde_json::from_slice(&json).unwrap();
    for case in goldens.cases {
        let options = FileOptions {
            cleaning: Cleaning::from_name(&case.cleaning).unwrap(),
            strip_separator: case.stripped.is_some(),
            ..FileOptions::default()
        };
        let path = folder().join(&case.folder).join("tokenizer.json");
        let tokenizer = Tokenizer::from_file(path, case.context, options).unwrap();
        for (text, ids) in goldens.texts.iter().zip(&case.ids) {
            let name = format!("{} {} {text:?}", case.folder, case.cleaning);
            assert_eq!(&tokenizer.encode(text), ids, "{name}");
            assert_eq!(&tokenizer.try_encode(text).unwrap(), ids, "{name}");
        }
    }
}

#[test]
fn files_say_their_start_and_end() {
    let bert = open("word_piece", 8).unwrap();
    assert_eq!((bert.start(), bert.end()), (2, 3));
    let siglip = open("unigram", 8).unwrap();
    assert_eq!((siglip.start(), siglip.end()), (1, 1));
}

#[test]
fn padding_can_be_another_id_than_the_file_s() {
    let options = FileOptions { padding: Some(7), ..FileOptions::default() };
    let path = folder().join("unigram/tokenizer.json");
    let tokenizer = Tokenizer::from_file(path, 8, options).unwrap();
    assert_eq!(tokenizer.encode(""), [1, 7, 7, 7, 7, 7, 7, 7]);
    assert_eq!(tokenizer.with_padding(9).encode(""), [1, 9, 9, 9, 9, 9, 9, 9]);
}

#[test]
fn refusing_tells_the_whole_length() {
    let tokenizer = open("word_piece", 8).unwrap().with_truncation(Truncation::Refuse);
    let text = "a photo of the dog in the water in the house";
    let whole = open("word_piece", 200).unwrap().with_padding(-1).encode(text);
    let whole = whole.iter().filter(|id| **id != -1).count();
    let error = tokenizer.try_encode(text).unwrap_err();
    assert!(matches!(error, TokenizerError::TooLong { length, context: 8, .. } if length == whole));
    assert!(tokenizer.try_encode("a dog").is_ok());
}

#[test]
fn decoding_gives_the_text_back() {
    let tokenizer = open("byte_fallback", 24).unwrap();
    let decoded = tokenizer.decode(&tokenizer.encode("a photo of ☃"));
    assert!(decoded.contains("a photo of ☃"), "{decoded}");
}

#[test]
fn a_context_without_room_is_told() {
    let error = open("word_piece", 2).unwrap_err().to_string();
    assert!(error.contains("leaves no room beside 2 special tokens"), "{error}");
}

#[test]
fn unusable_files_are_named() {
    for name in ["files.json", "README.md", "missing.json"] {
        let error = Tokenizer::from_file(folder().join(name), 8, FileOptions::default());
        let error = error.unwrap_err();
        assert!(matches!(&error, TokenizerError::File { .. }));
        assert!(error.to_string().contains(name), "{error}");
    }
}

#[test]
fn a_missing_separator_is_told() {
    let options = FileOptions { strip_separator: true, ..FileOptions::default() };
    let path = folder().join("unigram/tokenizer.json");
    let error = Tokenizer::from_file(path, 8, options).unwrap_err().to_string();
    assert!(error.contains("no token \"[SEP]\""), "{error}");
}
