//! Does a text look misread? A list of short sequences of characters that hardly occur in what
//! people write, but often where UTF-8 was read in a single-byte encoding.
//!
//! The kinds of characters and the sequences are facts of ftfy 6.3 (its `badness` heuristic).

use std::sync::LazyLock;

use super::super::unicode::{is_letter, is_newer, is_number, is_python_space};

/// A set of kinds of characters, one bit each.
type Kinds = u64;

/// Declares the kinds, each with its characters (`a-z` is a range), and the table of them all.
macro_rules! kinds {
    ($($name:ident = $characters:literal;)*) => {
        #[allow(
            non_camel_case_types,
            clippy::upper_case_acronyms,
            reason = "the constants' own names, which the variants count"
        )]
        enum Kind { $($name),* }
        $(const $name: Kinds = 1 << Kind::$name as u32;)*
        const CHARACTERS: &[(Kinds, &str)] = &[$(($name, $characters)),*];
    };
}

kinds! {
    // What the characters can be.
    COMMON = "\u{a0}\u{ad}·´–—―…’";
    C1 = "\u{80}-\u{9f}";
    BAD = "¦¤¨¬¯¸ƒˆˇ˘˛˜†‡‰⌐◊\u{fffd}ªº";
    LAW = "¶§";
    CURRENCY = "¢£¥₧€";
    START = "¡«¿©΄΅‘‚“„•‹\u{f8ff}";
    END = "®»˝”›™";
    NUMERIC = "²³¹±¼½¾×µ÷⁄∂∆∏∑√∞∩∫≈≠≡≤≥№";
    KAOMOJI = "Ò-ÖÙ-Üò-öø-üŐŌŪŲ°";
    UPPER_ACCENTED = "À-ÑØÜÝĂĀĄĆČĎĐĘĚĒĖĞĢİĪĶĹĽŁĻŃŇŅŒŘŚŞŠŢŤŮŰŸŹŻŽҐ";
    LOWER_ACCENTED = "ßà-ñăąāćčďđęěēėğģįīķĺľłļœŕśşšťüźżžґﬁﬂ";
    UPPER_COMMON = "ÞΑ-ΩΆΈΉΊΌΎΏΪΫЁ-Я";
    LOWER_COMMON = "α-ωάέήίΰа-џ";
    BOX = "│┌┐┘├┤┬┼═-╬▀▄█▌▐░▒▓";
    // Letters and spaces.
    SMALL = "a-z";
    CAPITAL = "A-Z";
    BLANK = " ";
    STOP = ".,?!";
    // Characters that single sequences name.
    OE = "Œœ";
    DEGREE = "°";
    LEAD_1252 = "ÂÃÎÐ";
    AFTER_1252 = "€œŠš¢£Ÿž\u{a0}\u{ad}®©°·»–—´";
    TIMES = "×";
    SQUARES = "²³";
    ARABIC_1252 = "ØÙ";
    AFTER_ARABIC = "ŸŠ®°µ»";
    A_GRAVE = "à";
    INDIC_1252 = "²µ¹¼½¾";
    ROOT = "√";
    AFTER_ROOT = "±∂†≠®™´≤≥¥µø";
    ALMOST = "≈";
    AFTER_ALMOST = "°¢";
    LOW_QUOTE = "‚";
    A_DIAERESIS = "Ä";
    AFTER_LOW_A = "ìîïòôúùû†°¢π";
    A_OR_O = "âó";
    AFTER_LOW_O = "àä°ê";
    VE = "в";
    DJE = "Ђ";
    LEAD_1251 = "ВГРС";
    CYRILLIC_MIDDLE = "°µ";
    GHE = "Г";
    SHORT_U = "ў";
    CAPITAL_VE = "В";
    A_TILDE = "Ã";
    AFTER_TILDE = "\u{a0}¡";
    A_HAT = "Â";
    BETA = "β";
    EURO = "€";
    AFTER_EURO = "™\u{a0}Ά\u{ad}®°";
    LEAD_1253 = "ΒΓΞΟ";
    A_MACRON = "ā";
    // Computed, not listed.
    SPACE = "";
    WORD = "";
    NOT_LATIN = "";
    NOT_NEWLINE = "";
}

const LETTERS: Kinds = LOWER_ACCENTED | UPPER_ACCENTED;
const MIXED: Kinds = LETTERS | BOX | START | END | CURRENCY | NUMERIC | LAW;
const AFTER_ARABIC_LEAD: Kinds = COMMON | CURRENCY | BAD | NUMERIC | START | AFTER_ARABIC;
const BETWEEN: Kinds = C1 | BAD | START | END | CURRENCY;
const A_HAT_OR_TILDE: Kinds = A_HAT | A_TILDE;

/// What hardly ever follows one another.
const SEQUENCES: &[&[Kinds]] = &[
    &[C1],
    &[BAD | MIXED, BAD],
    &[SMALL | CAPITAL, LOWER_COMMON | UPPER_COMMON, BAD],
    &[BAD, MIXED],
    &[LOWER_ACCENTED | LOWER_COMMON | BOX | END | CURRENCY | NUMERIC, UPPER_ACCENTED],
    &[BOX | END | CURRENCY | NUMERIC, LOWER_ACCENTED],
    &[LOWER_ACCENTED | BOX | END, CURRENCY],
    &[SPACE, UPPER_ACCENTED, CURRENCY],
    &[UPPER_ACCENTED | BOX, NUMERIC | LAW],
    &[LETTERS | BOX | CURRENCY | END, START, NUMERIC],
    &[LETTERS | CURRENCY | NUMERIC | BOX | LAW, END, START],
    &[CURRENCY | NUMERIC | BOX, START],
    &[SMALL, UPPER_ACCENTED, START | CURRENCY],
    &[BOX, KAOMOJI],
    &[LETTERS | CURRENCY | NUMERIC | START | END | LAW, BOX],
    &[BOX, END],
    &[LETTERS, START | END, WORD],
    &[OE, NOT_LATIN],
    &[UPPER_ACCENTED, DEGREE],
    &[LEAD_1252, AFTER_1252 | START | END],
    &[TIMES, SQUARES],
    &[ARABIC_1252, AFTER_ARABIC_LEAD, ARABIC_1252, AFTER_ARABIC_LEAD],
    &[A_GRAVE, INDIC_1252],
    &[ROOT, AFTER_ROOT],
    &[ALMOST, AFTER_ALMOST],
    &[LOW_QUOTE, A_DIAERESIS, AFTER_LOW_A],
    &[LOW_QUOTE, A_OR_O, AFTER_LOW_O],
    &[VE, DJE],
    &[LEAD_1251, BETWEEN | CYRILLIC_MIDDLE, LEAD_1251],
    &[GHE, SHORT_U, CAPITAL_VE, DJE, CAPITAL_VE, NOT_NEWLINE, SMALL | CAPITAL | BLANK],
    &[A_TILDE, AFTER_TILDE],
    &[SMALL, A_HAT_OR_TILDE, BLANK],
    &[SMALL, SPACE, A_HAT_OR_TILDE, BLANK],
    &[SMALL | STOP | END, A_HAT, BLANK | START | END],
    &[BETA, EURO, AFTER_EURO],
    &[LEAD_1253, BETWEEN | DEGREE, LEAD_1253],
    &[A_MACRON, EURO],
];

/// Among so many characters at the start of a sequence is one that isn't ASCII.
const TELLING_WITHIN: usize = 3;

/// Where the flat part of [`TABLE`] ends, after the box-drawing characters.
const FLAT: usize = 0x2600;

/// The listed kinds of the characters below [`FLAT`].
static TABLE: LazyLock<Vec<Kinds>> = LazyLock::new(|| {
    let mut table = vec![0; FLAT];
    for (kind, characters) in CHARACTERS {
        for character in expand(characters) {
            if let Some(kinds) = table.get_mut(character as usize) {
                *kinds |= kind;
            }
        }
    }
    table
});

/// The characters of a list in which `a-z` is a range.
pub fn expand(list: &str) -> impl Iterator<Item = char> {
    let list: Vec<char> = list.chars().collect();
    let mut at = 0;
    std::iter::from_fn(move || {
        let first = *list.get(at)?;
        let is_range = list.get(at + 1) == Some(&'-') && at + 2 < list.len();
        let last = if is_range { list[at + 2] } else { first };
        at += if is_range { 3 } else { 1 };
        Some(first..=last)
    })
    .flatten()
}

/// Everything that a character is.
fn kinds(character: char) -> Kinds {
    let listed = match character {
        '\u{f8ff}' => START,
        '\u{fb01}' | '\u{fb02}' => LOWER_ACCENTED,
        '\u{fffd}' => BAD,
        _ => TABLE.get(character as usize).copied().unwrap_or_default(),
    };
    let when = |is: bool, kind: Kinds| if is { kind } else { 0 };
    listed
        | when(!character.is_ascii_alphabetic(), NOT_LATIN)
        | when(character != '\n', NOT_NEWLINE)
        | when(is_python_space(character), SPACE)
}

/// Whether the text holds a sequence that hardly occurs in text that was read rightly.
pub fn looks_misread(text: &[char]) -> bool {
    if let [first, second, ..] = text
        && kinds(*first) & A_HAT_OR_TILDE != 0
        && kinds(*second) & BLANK != 0
    {
        return true;
    }
    // One of a sequence's first three is telling, which no character of ASCII is: few places need
    // a look.
    let mut checked = 0;
    let telling = |at: &usize| !text[*at].is_ascii();
    for at in (0..text.len()).filter(telling) {
        for start in checked.max(at.saturating_sub(TELLING_WITHIN - 1))..=at {
            let first = kinds(text[start]);
            let may_start = |sequence: &&&[Kinds]| sequence[0] & first != 0;
            let mut possible = SEQUENCES.iter().filter(may_start);
            if possible.any(|sequence| follows(sequence, &text[start..])) {
                return true;
            }
        }
        checked = at + 1;
    }
    false
}

/// Whether the text starts with the sequence.
fn follows(sequence: &[Kinds], text: &[char]) -> bool {
    sequence.len() <= text.len()
        && text.iter().zip(sequence).all(|(character, wanted)| {
            // Looked up only where it matters: the table of letters is large.
            wanted & kinds(*character) != 0 || (wanted & WORD != 0 && is_word(*character))
        })
}

/// `\w` of Python's `re`: letters, numbers that Unicode 14 knew, and the underscore.
fn is_word(character: char) -> bool {
    character == '_' || ((is_letter(character) || is_number(character)) && !is_newer(character))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sequences_are_found_by_their_first_three_characters() {
        let ascii = |wanted: Kinds| {
            (0..128_u8).map(char::from).any(|character| follows(&[wanted], &[character]))
        };
        for sequence in SEQUENCES {
            let start = &sequence[..sequence.len().min(TELLING_WITHIN)];
            assert!(!start.iter().all(|wanted| ascii(*wanted)), "{start:x?}");
            // Which `kinds` doesn't tell.
            assert!(start[0] & WORD == 0, "{start:x?}");
        }
    }
}
