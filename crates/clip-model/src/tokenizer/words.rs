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
    match class(first) {
        Class::Delimiter => 0,
        Class::Number => first.len_utf8(),
        class => run(text, class),
    }
}

/// What the expression tells characters apart by.
#[derive(Clone, Copy, PartialEq)]
enum Class {
    Delimiter,
    Letter,
    Number,
    Other,
}

/// Classes of ASCII, which most texts are made of.
const ASCII: [Class; 128] = {
    let mut classes = [Class::Other; 128];
    let mut code = 0;
    while code < 128 {
        classes[code] = match code as u8 {
            b'a'..=b'z' | b'A'..=b'Z' => Class::Letter,
            b'0'..=b'9' => Class::Number,
            b' ' | b'\t'..=b'\r' => Class::Delimiter,
            _ => Class::Other,
        };
        code += 1;
    }
    classes
};

fn class(character: char) -> Class {
    match ASCII.get(character as usize) {
        Some(class) => *class,
        None if is_delimiter(character) => Class::Delimiter,
        None if is_letter(character) => Class::Letter,
        None if is_number(character) => Class::Number,
        None => Class::Other,
    }
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

/// Length of the characters of a class that the text starts with.
fn run(text: &str, wanted: Class) -> usize {
    let bytes = text.as_bytes();
    let in_ascii = |byte: &u8| ASCII.get(usize::from(*byte)) == Some(&wanted);
    let length = bytes.iter().position(|byte| !in_ascii(byte)).unwrap_or(bytes.len());
    match bytes.get(length) {
        Some(byte) if !byte.is_ascii() => {
            let rest = &text[length..];
            length + rest.find(|character| class(character) != wanted).unwrap_or(rest.len())
        }
        _ => length,
    }
}

/// White space, and the one mark whose capital is a letter: without regard to case it belongs to
/// none of the expression's classes.
fn is_delimiter(character: char) -> bool {
    character.is_whitespace() || character == '\u{345}'
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_of_ascii_are_those_of_its_characters() {
        for character in (0..128_u8).map(char::from) {
            let expected = match character {
                _ if is_delimiter(character) => Class::Delimiter,
                _ if is_letter(character) => Class::Letter,
                _ if is_number(character) => Class::Number,
                _ => Class::Other,
            };
            assert!(class(character) == expected, "{character:?}");
        }
    }
}
