//! Composed letters, as the reference's Python composes them.

use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfc_quick};

use super::super::unicode::is_newer;

/// Whether it is plain to see that [`compose`] changes nothing. ASCII, which the check is slow for,
/// is left out: it never combines, so that what is left is at worst taken for more than it is.
pub fn is_composed(text: &str) -> bool {
    let others = text.chars().filter(|character| !character.is_ascii());
    is_nfc_quick(others) == IsNormalized::Yes
}

/// Normalization form C of Unicode 14.
///
/// For Python 3.11 a newer character is unassigned, so nothing combines with it or moves across
/// it: normalizing the pieces between newer characters is the same.
pub fn compose(text: &str) -> String {
    let mut composed = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((at, newer)) = rest.char_indices().find(|(_, character)| is_newer(*character)) {
        composed.extend(rest[..at].nfc());
        composed.push(newer);
        rest = &rest[at + newer.len_utf8()..];
    }
    composed.extend(rest.nfc());
    composed
}
