//! Any text has ids, of which start and end are where they belong.

#![no_main]

use std::sync::LazyLock;

use clip_model::{Cleaning, Tokenizer, VOCAB_SIZE};
use libfuzzer_sys::fuzz_target;

static TOKENIZER: LazyLock<Tokenizer> =
    LazyLock::new(|| Tokenizer::new(77, VOCAB_SIZE).expect("CLIP's own sizes"));

fuzz_target!(|bytes: &[u8]| {
    let text = String::from_utf8_lossy(bytes);
    let ids = TOKENIZER.encode(&text);
    assert_eq!((ids.len(), ids[0]), (77, TOKENIZER.start()));
    assert!(ids.contains(&TOKENIZER.end()));
    TOKENIZER.decode(&ids);
    Cleaning::Canonicalize.clean(&text);
});
