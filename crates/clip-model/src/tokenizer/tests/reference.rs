//! Against OpenAI's tokenizer, on strings of all kinds.

use std::io::{BufRead, BufReader};

use flate2::read::GzDecoder;
use serde::Deserialize;

use super::super::clean::lower;
use super::super::vocabulary::Vocabulary;
use super::*;

#[derive(Deserialize)]
struct Case {
    kind: String,
    text: String,
    ids: Vec<u32>,
}

fn sample() -> Vec<Case> {
    let file = include_bytes!("../../../tests/tokenizer/sample.jsonl.gz");
    let lines = BufReader::new(GzDecoder::new(&file[..])).lines();
    lines.skip(1).map(|line| serde_json::from_str(&line.unwrap()).unwrap()).collect()
}

#[test]
fn ids_equal_openai_s_for_strings_of_all_kinds() {
    let vocabulary = Vocabulary::new(VOCAB_SIZE).unwrap();
    let tokenizer = clip(77);
    let cases = sample();
    assert_eq!(cases.len(), 3000);
    for Case { kind, text, ids } in cases {
        let clean = Cleaning::Lower.clean(&text);
        assert_eq!(vocabulary.encode(&clean, usize::MAX), ids, "{kind} {text:?}");
        let mut row = vec![49_406];
        row.extend(ids.iter().take(75).map(|id| *id as i32));
        row.push(49_407);
        row.resize(77, 0);
        assert_eq!(tokenizer.encode(&text), row, "{kind} {text:?}");
    }
}

#[test]
fn without_repairs_many_strings_differ() {
    let vocabulary = Vocabulary::new(VOCAB_SIZE).unwrap();
    let cases = sample();
    let differ = |case: &&Case| vocabulary.encode(&lower(&case.text), usize::MAX) != case.ids;
    let different = cases.iter().filter(differ).count();
    assert!(different > cases.len() / 3, "{different}");
}

#[test]
fn one_wrong_id_is_noticed() {
    let vocabulary = Vocabulary::new(VOCAB_SIZE).unwrap();
    let mut case = sample().swap_remove(0);
    case.ids[0] ^= 1;
    assert_ne!(vocabulary.encode(&Cleaning::Lower.clean(&case.text), usize::MAX), case.ids);
}
