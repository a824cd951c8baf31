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

/// Writes the character, as a straight quote or a line feed if it is a kind of those.
fn push_plain(character: char, out: &mut String) {
    out.push(match character {
        '\u{2bc}' | '\u{2018}'..='\u{201b}' => '\'',
        '\u{201c}'..='\u{201f}' => '"',
        '\u{2028}' | '\u{2029}' | '\u{85}' => '\n',
        _ => character,
    });
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
