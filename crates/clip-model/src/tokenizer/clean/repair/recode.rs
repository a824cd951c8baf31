//! Undoes a wrong decoding: text that was UTF-8 and was read in a single-byte encoding is encoded
//! again and read as UTF-8 (ftfy's `fix_encoding`).

use std::sync::LazyLock;

use super::bytes::{decode, replace_lossy, restore_no_break_spaces};
use super::effort::Effort;
use super::encodings::{self, MACROMAN, encode, is_sloppy, windows_1252};
use super::mojibake::{expand, looks_misread};

/// Bytes of UTF-8 as single-byte encodings show them, one bit each.
const FIRST_OF_2: u8 = 1;
const FIRST_OF_3: u8 = 2;
const FIRST_OF_4: u8 = 4;
const CONTINUATION: u8 = 8;
/// Continuations that hardly stand for themselves beside misread text.
const STRICT: u8 = 16;

#[rustfmt::skip]
const CLUES: [(u8, &str); 5] = [
    (FIRST_OF_2, "Â-ßĀĂĆČĎĐĒĖĘĚĞĢĪİĶĹĻŁŃŅŇŌŐŘŚŞŠŢŪŮŰŲŹŻŽΒ-ΡΣ-ίВ-Я"),
    (FIRST_OF_3, "à-ïāăąćčďēėęěģīįķĺļŕźΰ-οа-п"),
    (FIRST_OF_4, "ðóđğšπσру"),
    (CONTINUATION | STRICT, "\u{80}-¿ÆØæøĄąĽľŁłŒœŖŗŚśŞ-šŤťŸ-žƒˆˇ˘˛-˝΄-ΆΈ-ΊΌΎΏЁ-ЌЎЏё-ќўџҐґ†‡‰‹›€№™"),
    (CONTINUATION, " –-―‘-‚“-„•…"),
];

/// The clues of the characters below U+2200, the highest that has some.
static TABLE: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let mut table = vec![0; 0x2200];
    for (clue, characters) in CLUES {
        for character in expand(characters) {
            if let Some(clues) = table.get_mut(character as usize) {
                *clues |= clue;
            }
        }
    }
    table
});

/// Undoes wrong decodings, one after the other, until the text looks right or nothing helps. `None`
/// if there is nothing to undo.
pub fn fix_encoding(text: &str, effort: &mut Effort) -> Option<String> {
    let characters: Vec<char> = text.chars().collect();
    Some(fix_characters(&characters, effort)?.into_iter().collect())
}

fn fix_characters(text: &[char], effort: &mut Effort) -> Option<Vec<char>> {
    let mut latest = None;
    loop {
        let text = latest.as_deref().unwrap_or(text);
        match effort.spend(text.len()).then(|| fix_once(text, effort)).flatten() {
            Some(fixed) if fixed != text => latest = Some(fixed),
            _ => return latest,
        }
    }
}

/// The text with its last wrong decoding undone, if it looks as if there was one.
fn fix_once(text: &[char], effort: &mut Effort) -> Option<Vec<char>> {
    if text.iter().all(char::is_ascii) || !looks_misread(text) {
        return None;
    }
    let whole = encodings::all().find_map(|encoding| reread(text, encoding));
    let fixed = whole.or_else(|| Some(fix_parts(text, effort)).filter(|fixed| fixed != text));
    fixed.or_else(|| fix_controls(text))
}

/// The text as it is when its bytes in this encoding are UTF-8.
fn reread(text: &[char], encoding: usize) -> Option<Vec<char>> {
    let mut bytes = encode(text, encoding)?;
    if encoding != MACROMAN {
        bytes = restore_no_break_spaces(bytes);
    }
    if is_sloppy(encoding) {
        bytes = replace_lossy(bytes);
    }
    decode(&bytes).map(|text| text.chars().collect())
}

/// The text with those parts fixed that look like misread UTF-8 by themselves.
fn fix_parts(text: &[char], effort: &mut Effort) -> Vec<char> {
    let clues: Vec<u8> = text.iter().map(|character| clues(*character)).collect();
    let mut fixed = Vec::with_capacity(text.len());
    let mut at = 0;
    while at < text.len() {
        let inside = at > 0 && clues[at - 1] & STRICT != 0;
        let length = if inside { 0 } else { run(&clues[at..]) };
        if length == 0 {
            fixed.push(text[at]);
            at += 1;
            continue;
        }
        let part = &text[at..at + length];
        // A part is shorter than the text, so that this ends.
        let better = match length < text.len() && looks_misread(part) {
            true => fix_characters(part, effort),
            false => None,
        };
        fixed.extend(better.as_deref().unwrap_or(part));
        at += length;
    }
    fixed
}

fn clues(character: char) -> u8 {
    TABLE.get(character as usize).copied().unwrap_or_default()
}

/// Length of the sequences that look like UTF-8 and follow one another from the start on.
fn run(clues: &[u8]) -> usize {
    let mut length = 0;
    while let Some(sequence) = sequence(&clues[length..]) {
        length += sequence;
    }
    length
}

/// Length of the sequence at the start, if there is one.
fn sequence(clues: &[u8]) -> Option<usize> {
    let first = *clues.first()?;
    let followers = clues[1..].iter().take(3).take_while(|clues| *clues & CONTINUATION != 0);
    let followers = followers.count();
    let leads = [(FIRST_OF_2, 1), (FIRST_OF_3, 2), (FIRST_OF_4, 3)];
    let lead = leads.iter().find(|(lead, wanted)| first & lead != 0 && followers >= *wanted);
    lead.map(|(_, wanted)| 1 + wanted)
}

/// C1 controls read as Windows-1252 has them.
fn fix_controls(text: &[char]) -> Option<Vec<char>> {
    let is_control = |character: &char| matches!(character, '\u{80}'..='\u{9f}');
    if !text.iter().any(is_control) {
        return None;
    }
    // What Windows-1252 leaves unassigned stays as it is.
    let fix = |character: &char| match is_control(character) {
        true => windows_1252(*character as u8),
        false => *character,
    };
    Some(text.iter().map(fix).collect())
}
