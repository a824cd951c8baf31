//! Cleaning of texts before they are cut into tokens, as OpenAI's and open_clip's tokenizers do it
//! with ftfy and Python's `html.unescape`.

use std::borrow::Cow;

#[cfg(feature = "text-cleaning")]
mod repair;
#[cfg(test)]
#[cfg(feature = "text-cleaning")]
mod tests;
mod unicode;

#[cfg(feature = "text-cleaning")]
use repair::repair;
use unicode::is_python_space;
pub use unicode::{is_letter, is_number, lower};

/// How a text is cleaned before it is cut into tokens: open_clip's `clean` option.
///
/// Without the feature `text-cleaning` nothing is repaired, blanks and case alone are treated: the
/// ids equal the reference's for texts that need no repair, such as plain ASCII without `&`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Cleaning {
    /// The text stays as it is.
    None,
    /// Misread characters, HTML and typographic variants are repaired, and blanks made single.
    #[default]
    Whitespace,
    /// As [`Whitespace`](Self::Whitespace), in lower case: what CLIP's own tokenizer does.
    Lower,
    /// As [`Lower`](Self::Lower), without ASCII punctuation: what SigLIP's tokenizer does.
    Canonicalize,
}

impl Cleaning {
    /// The cleaning that open_clip calls `name` in a configuration's `tokenizer_kwargs`; `None`
    /// when it is none of `whitespace`, `lower` and `canonicalize`.
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "whitespace" => Some(Self::Whitespace),
            "lower" => Some(Self::Lower),
            "canonicalize" => Some(Self::Canonicalize),
            _ => None,
        }
    }

    /// The cleaned text.
    pub fn clean(self, text: &str) -> String {
        match self {
            Self::None => text.to_owned(),
            Self::Whitespace => single_blanks(&repair(text)).into_owned(),
            Self::Lower => lower(&single_blanks(&repair(text))),
            Self::Canonicalize => canonicalize(&repair(text)),
        }
    }
}

/// Texts are taken as they are.
#[cfg(not(feature = "text-cleaning"))]
fn repair(text: &str) -> Cow<'_, str> {
    text.into()
}

/// One blank for each run of white space, none at the ends.
fn single_blanks(text: &str) -> Cow<'_, str> {
    if has_single_blanks(text.as_bytes()) {
        return text.into();
    }
    let words = text.split(is_python_space).filter(|word| !word.is_empty());
    let mut out = String::with_capacity(text.len());
    for word in words {
        if !out.is_empty() {
            out.push(' ');
        }
        out.push_str(word);
    }
    out.into()
}

/// Whether it is ASCII that has its blanks as they should be.
fn has_single_blanks(text: &[u8]) -> bool {
    let known = |byte: &u8| matches!(byte, b' '..=b'~');
    let two_blanks = |(a, b): (&u8, &u8)| *a == b' ' && *b == b' ';
    let (Some(first), Some(last)) = (text.first(), text.last()) else { return true };
    *first != b' '
        && *last != b' '
        && text.iter().fold(true, |all, byte| all & known(byte))
        && !text.iter().zip(&text[1..]).fold(false, |any, pair| any | two_blanks(pair))
}

/// Lower case without punctuation, from big_vision.
fn canonicalize(text: &str) -> String {
    let kept = text.chars().filter_map(|character| match character {
        '_' => Some(' '),
        _ if character.is_ascii_punctuation() => None,
        _ => Some(character),
    });
    single_blanks(&lower(&kept.collect::<String>())).into_owned()
}
