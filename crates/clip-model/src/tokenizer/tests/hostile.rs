//! Texts that are made to be slow or to break something.

use std::time::{Duration, Instant};

use super::*;

const MEGABYTE: usize = 1 << 20;

/// Encodes the text and checks that the time does not grow with the square of the length, which
/// would be hours.
fn encode_in_time(name: &str, text: &str) {
    let tokenizer = clip(77);
    let start = Instant::now();
    let ids = tokenizer.encode(text);
    assert!(start.elapsed() < Duration::from_secs(30), "{name}: {:?}", start.elapsed());
    assert_eq!(ids.len(), 77, "{name}");
    assert_eq!(ids[0], tokenizer.start(), "{name}");
    assert!(ids.contains(&tokenizer.end()), "{name}");
}

#[test]
fn a_megabyte_of_one_pattern_takes_seconds_at_most() {
    for pattern in ["a", "ab", "!", "1", "Ã", "Ã©", "â€™", "汉", "&", "&lt", "&#", "\u{301}", "Σ"]
    {
        encode_in_time(pattern, &pattern.repeat(MEGABYTE / pattern.len()));
    }
}

#[test]
fn texts_that_change_by_one_character_at_a_time_take_seconds_at_most() {
    encode_in_time("lead bytes", &format!("{}©", "Â".repeat(MEGABYTE / 2)));
    encode_in_time("plain references", &format!("&{}", "amp;".repeat(MEGABYTE / 4)));
    encode_in_time("references", &format!("é&{}", "amp;".repeat(MEGABYTE / 4)));
    encode_in_time("digits", &format!("&#{};", "9".repeat(MEGABYTE)));
    encode_in_time("escapes", &"\u{1b}[".repeat(MEGABYTE / 2));
}

#[test]
fn every_character_has_ids() {
    let tokenizer = clip(77);
    let every: Vec<char> = ('\0'..=char::MAX).collect();
    for characters in every.chunks(4096) {
        let text: String = characters.iter().collect();
        assert_eq!(tokenizer.encode(&text).len(), 77);
    }
}
