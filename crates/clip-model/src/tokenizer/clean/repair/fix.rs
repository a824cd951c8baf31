//! What ftfy's `fix_text` does with its default settings.

use std::borrow::Cow;

use super::characters::{is_removed, is_simple, remove_terminal_escapes, simplify};
use super::compose::{compose, is_composed};
use super::effort::Effort;
use super::entities::{unescape_strict, unescape_strict_fully};
use super::recode::fix_encoding;

/// Lines longer than this are cut, in characters.
const LONGEST_SEGMENT: usize = 1_000_000;

/// Fixes each line of the text by itself. A text that is borrowed has no `&`.
pub fn fix_text(text: &str) -> Cow<'_, str> {
    if is_plain(text) && !text.contains('&') {
        return Cow::Borrowed(text);
    }
    let mut fixed = String::with_capacity(text.len());
    // HTML turns references off for its line and all that follow.
    let mut references = true;
    for segment in segments(text) {
        references = references && !segment.contains('<');
        fixed.push_str(&fix_segment(segment, references));
    }
    Cow::Owned(fixed)
}

/// Lines with their line feeds, cut where they are too long.
fn segments(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let line = rest.find('\n').map_or(rest.len(), |at| at + 1);
        let longest = rest[..line].char_indices().nth(LONGEST_SEGMENT);
        let (segment, after) = rest.split_at(longest.map_or(line, |(at, _)| at));
        rest = after;
        Some(segment).filter(|segment| !segment.is_empty())
    })
}

/// ASCII that no fix but that of references changes: neither control characters that are removed
/// nor carriage returns. Looks at all of the text, which is faster than to stop where it isn't.
fn is_plain(text: &str) -> bool {
    let plain = |byte: &u8| matches!(byte, b'\t' | b'\n' | b'\x0c' | b' '..=b'~');
    text.as_bytes().iter().fold(true, |all, byte| all & plain(byte))
}

/// Applies the fixes again and again until nothing changes.
fn fix_segment(segment: &str, references: bool) -> String {
    if references && segment.contains('&') {
        let unescaped = unescape_strict_fully(segment);
        // Then the other fixes never had anything to do.
        if is_plain(&unescaped) {
            return unescaped;
        }
    }
    let mut effort = Effort::for_length(segment.len());
    let mut text = segment.to_owned();
    while effort.spend(text.len()) {
        match fix_round(&text, references, &mut effort) {
            Cow::Owned(fixed) if fixed != text => text = fixed,
            _ => return text,
        }
    }
    if references { unescape_strict_fully(&text) } else { text }
}

fn fix_round<'a>(text: &'a str, references: bool, effort: &mut Effort) -> Cow<'a, str> {
    let mut text = if references { unescape_strict(text) } else { text.into() };
    if is_plain(&text) {
        return text;
    }
    if !text.is_ascii()
        && let Some(fixed) = fix_encoding(&text, effort)
    {
        text = fixed.into();
    }
    if !is_simple(&text) {
        let mut simple = remove_terminal_escapes(simplify(&text));
        simple.retain(|character| !is_removed(character));
        text = simple.into();
    }
    if is_composed(&text) { text } else { compose(&text).into() }
}
