//! Fixes that look at one character, or few, at a time.

use unicode_normalization::UnicodeNormalization;

use super::super::unicode::is_digit;
use super::encodings::windows_1252;

/// Replaces what has a plainer form: C1 controls, Latin ligatures, full- and half-width forms,
/// curly quotes, and line breaks of all kinds.
pub fn simplify(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '\r' => {
                characters.next_if_eq(&'\n');
                out.push('\n');
            }
            _ if character.is_ascii() => out.push(character),
            '\u{80}'..='\u{9f}' => push_plain(windows_1252(character as u8), &mut out),
            '\u{3000}' => out.push(' '),
            '\u{ff01}'..='\u{ffef}' => out.extend(character.nfkc()),
            _ => match ligature(character) {
                Some(letters) => letters.chars().for_each(|letter| push_plain(letter, &mut out)),
                None => push_plain(character, &mut out),
            },
        }
    }
    out
}

/// Whether it is plain to see that no character is simplified or removed and nothing is an escape
/// sequence.
pub fn is_simple(text: &str) -> bool {
    text.chars().all(|character| match character {
        '\r' => false,
        _ if character.is_ascii() => !is_removed(character),
        '\u{80}'..='\u{9f}' | '\u{3000}' | '\u{ff01}'..='\u{ffef}' => false,
        _ => {
            !is_removed(character) && ligature(character).is_none() && plainer(character).is_none()
        }
    })
}

/// Writes the character, in its plainer form if it has one.
fn push_plain(character: char, out: &mut String) {
    out.push(plainer(character).unwrap_or(character));
}

/// The straight quote or the line feed that the character is a kind of.
fn plainer(character: char) -> Option<char> {
    Some(match character {
        '\u{2bc}' | '\u{2018}'..='\u{201b}' => '\'',
        '\u{201c}'..='\u{201f}' => '"',
        '\u{2028}' | '\u{2029}' | '\u{85}' => '\n',
        _ => return None,
    })
}

/// The letters of a ligature or digraph that is an artefact of typesetting or of old encodings.
fn ligature(character: char) -> Option<&'static str> {
    Some(match character {
        'Ĳ' => "IJ",
        'ĳ' => "ij",
        'ŉ' => "\u{2bc}n",
        'Ǳ' => "DZ",
        'ǲ' => "Dz",
        'ǳ' => "dz",
        'Ǆ' => "DŽ",
        'ǅ' => "Dž",
        'ǆ' => "dž",
        'Ǉ' => "LJ",
        'ǈ' => "Lj",
        'ǉ' => "lj",
        'Ǌ' => "NJ",
        'ǋ' => "Nj",
        'ǌ' => "nj",
        'ﬀ' => "ff",
        'ﬁ' => "fi",
        'ﬂ' => "fl",
        'ﬃ' => "ffi",
        'ﬄ' => "ffl",
        'ﬅ' => "ſt",
        'ﬆ' => "st",
        _ => return None,
    })
}

/// Removes the escape sequences that colour text in terminals.
pub fn remove_terminal_escapes(text: String) -> String {
    if !text.contains("\u{1b}[") {
        return text;
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text.as_str();
    while let Some(at) = rest.find("\u{1b}[") {
        out.push_str(&rest[..at]);
        let parameters = &rest[at + 2..];
        let after = parameters.trim_start_matches(|c: char| c == ';' || is_digit(c));
        match after.starts_with(|letter: char| letter.is_ascii_alphabetic()) {
            true => rest = &after[1..],
            false => {
                out.push_str("\u{1b}[");
                rest = parameters;
            }
        }
    }
    out.push_str(rest);
    out
}

/// Control characters without an effect on the text, and the byte order mark.
pub fn is_removed(character: char) -> bool {
    matches!(
        character,
        '\0'..='\u{8}'
            | '\u{b}'
            | '\u{e}'..='\u{1f}'
            | '\u{7f}'
            | '\u{206a}'..='\u{206f}'
            | '\u{feff}'
            | '\u{fff9}'..='\u{fffc}'
    )
}
