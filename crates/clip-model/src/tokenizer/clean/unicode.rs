//! What characters are, as the reference's Python knows them.
//!
//! The reference mixes two versions of Unicode: Python 3.11's own `str` and `unicodedata` (14) and
//! the `regex` package (17). The tables are kept with the crate, so that ids do not change with
//! the compiler's Unicode version.

use std::sync::LazyLock;

/// Sorted, disjoint ranges of code points, ends included.
#[derive(Debug, Default)]
pub struct Ranges(Vec<(u32, u32)>);

impl Ranges {
    /// Whether the character lies in one of the ranges.
    pub fn contain(&self, character: char) -> bool {
        let code = u32::from(character);
        let after = self.0.partition_point(|(first, _)| *first <= code);
        after > 0 && code <= self.0[after - 1].1
    }

    /// Reads the ranges that `make_tables.py` wrote: distances from the end of the one before.
    fn read(text: &str) -> Self {
        let hexadecimal = |digits: &str| u32::from_str_radix(digits, 16).unwrap_or_default();
        let mut end = 0;
        let ranges = text.split(' ').map(|range| {
            let (distance, length) = range.split_once('-').unwrap_or((range, "0"));
            let first = end + hexadecimal(distance);
            end = first + hexadecimal(length);
            (first, end)
        });
        Self(ranges.collect())
    }
}

/// The tables of `unicode_ranges.txt`.
#[derive(Debug, Default)]
pub struct Tables {
    /// `\p{L}` of Unicode 17.
    pub letters: Ranges,
    /// `\p{N}` of Unicode 17.
    pub numbers: Ranges,
    /// `\d` of Unicode 14.
    #[cfg(feature = "text-cleaning")]
    pub digits: Ranges,
    /// Characters that came after Unicode 14: Python 3.11 leaves them as they are.
    pub newer: Ranges,
}

/// The tables, read once.
pub static TABLES: LazyLock<Tables> = LazyLock::new(|| {
    let mut tables = Tables::default();
    for line in include_str!("../../../assets/unicode_ranges.txt").lines() {
        let (name, ranges) = line.split_once(' ').unwrap_or((line, ""));
        let ranges = Ranges::read(ranges);
        match name {
            "letters" => tables.letters = ranges,
            "numbers" => tables.numbers = ranges,
            #[cfg(feature = "text-cleaning")]
            "digits" => tables.digits = ranges,
            "newer" => tables.newer = ranges,
            _ => {}
        }
    }
    tables
});

/// `\p{L}` of the `regex` package.
pub fn is_letter(character: char) -> bool {
    match character.is_ascii() {
        true => character.is_ascii_alphabetic(),
        false => TABLES.letters.contain(character),
    }
}

/// `\p{N}` of the `regex` package.
pub fn is_number(character: char) -> bool {
    match character.is_ascii() {
        true => character.is_ascii_digit(),
        false => TABLES.numbers.contain(character),
    }
}

/// `\d` of Python's `re`.
#[cfg(feature = "text-cleaning")]
pub fn is_digit(character: char) -> bool {
    match character.is_ascii() {
        true => character.is_ascii_digit(),
        false => TABLES.digits.contain(character),
    }
}

/// Whether the character came after Unicode 14.
pub fn is_newer(character: char) -> bool {
    // Earlier blocks were full.
    character >= '\u{530}' && TABLES.newer.contain(character)
}

/// `str.isspace`: Unicode's white space and four separators among the control characters.
pub fn is_python_space(character: char) -> bool {
    character.is_whitespace() || matches!(character, '\u{1c}'..='\u{1f}')
}

/// `str.lower` of Unicode 14, the Greek final sigma included.
pub fn lower(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    if !text.chars().any(|character| stand_in(character) != character) {
        return text.to_lowercase();
    }
    let shadow: String = text.chars().map(stand_in).collect();
    let shadow = shadow.to_lowercase();
    let mut lowered = shadow.chars();
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        let length = stand_in(character).to_lowercase().count();
        let replacement = lowered.by_ref().take(length);
        match stand_in(character) == character {
            true => out.extend(replacement),
            // Consumes the stand-in; the character itself has no lower case in Unicode 14.
            false => out.extend(replacement.map(|_| character)),
        }
    }
    out
}

/// A character that Rust's newer Unicode treats as Unicode 14 treats this one, next to a sigma and
/// by itself.
fn stand_in(character: char) -> char {
    match character {
        '\u{295}' => 'a',         // was a cased letter, is a letter without case
        '\u{1171e}' => '\u{301}', // was a mark that case rules skip
        _ if is_newer(character) => '\u{ffff}',
        _ => character,
    }
}
