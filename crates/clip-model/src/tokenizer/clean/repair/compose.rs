//! Composed letters, as the reference's Python composes them.

use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfc_quick};

use super::super::unicode::is_newer;

/// Normalization form C of Unicode 14.
///
/// For Python 3.11 a newer character is unassigned, so nothing combines with it or moves across
/// it: normalizing the pieces between newer characters is the same.
pub fn compose(text: String) -> String {
    if is_nfc_quick(text.chars()) == IsNormalized::Yes {
        return text;
    }
    let mut composed = String::with_capacity(text.len());
    let mut rest = text.as_str();
    while let Some((at, newer)) = rest.char_indices().find(|(_, character)| is_newer(*character)) {
        composed.extend(rest[..at].nfc());
        composed.push(newer);
        rest = &rest[at + newer.len_utf8()..];
    }
    composed.extend(rest.nfc());
    composed
}
