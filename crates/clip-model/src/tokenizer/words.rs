//! Cuts a clean text into the words that are merged by themselves.

use super::clean::{is_letter, is_number};

/// The start of a text, spelled out.
pub const START: &str = "<|startoftext|>";
/// The end of a text, spelled out.
pub const END: &str = "<|endoftext|>";

/// Endings of English words that count as words.
const CONTRACTIONS: [&str; 7] = ["'s", "'t", "'re", "'ve", "'m", "'ll", "'d"];

/// The words of a text that is in lower case: OpenAI's regular expression
/// `<\|startoftext\|>|<\|endoftext\|>|'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+`,
/// without regard to case.
pub fn words(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        loop {
            let first = rest.chars().next()?;
            let length = word_length(rest, first);
            let (word, after) = rest.split_at(if length > 0 { length } else { first.len_utf8() });
            rest = after;
            if length > 0 {
                return Some(word);
            }
        }
    })
}

/// Length of the word at the start of the text, 0 if it starts with a delimiter.
fn word_length(text: &str, first: char) -> usize {
    if let Some(length) = spelled_out(text, first) {
        return length;
    }
    if is_letter(first) {
        return run(text, is_letter);
    }
    if is_number(first) {
        return first.len_utf8();
    }
    run(text, |character| {
        !(is_delimiter(character) || is_letter(character) || is_number(character))
    })
}

/// Length of the special token or contraction at the start of the text.
fn spelled_out(text: &str, first: char) -> Option<usize> {
    match first {
        '<' => [START, END].into_iter().find_map(|special| prefix_length(text, special)),
        '\'' => CONTRACTIONS.into_iter().find_map(|ending| prefix_length(text, ending)),
        _ => None,
    }
}

/// Length of what the text starts with, if that is the prefix in any case. In lower case only the
/// long s is left to be told apart.
fn prefix_length(text: &str, prefix: &str) -> Option<usize> {
    let mut rest = text.chars();
    let same = prefix.chars().all(|wanted| match rest.next() {
        Some('ſ') => wanted == 's',
        found => found == Some(wanted),
    });
    same.then(|| text.len() - rest.as_str().len())
}

fn run(text: &str, belongs: impl Fn(char) -> bool) -> usize {
    text.find(|character| !belongs(character)).unwrap_or(text.len())
}

/// White space, and the one mark whose capital is a letter: without regard to case it belongs to
/// none of the expression's classes.
fn is_delimiter(character: char) -> bool {
    character.is_whitespace() || character == '\u{345}'
}
