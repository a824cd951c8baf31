//! What ftfy's `fix_text` does with its default settings.

use std::borrow::Cow;

use super::characters::{is_removed, remove_terminal_escapes, simplify};
use super::compose::compose;
use super::effort::Effort;
use super::entities::{unescape_strict, unescape_strict_fully};
use super::recode::fix_encoding;

/// Lines longer than this are cut, in characters.
const LONGEST_SEGMENT: usize = 1_000_000;

/// Fixes each line of the text by itself.
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

/// ASCII that no fix but that of references changes.
fn is_plain(text: &str) -> bool {
    text.chars()
        .all(|character| character.is_ascii() && character != '\r' && !is_removed(character))
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
        let fixed = fix_round(&text, references, &mut effort);
        if fixed == text {
            return fixed;
        }
        text = fixed;
    }
    if references { unescape_strict_fully(&text) } else { text }
}

fn fix_round(text: &str, references: bool, effort: &mut Effort) -> String {
    let mut text = if references { unescape_strict(text) } else { Cow::Borrowed(text) };
    if is_plain(&text) {
        return text.into_owned();
    }
    if !text.is_ascii() {
        let characters = fix_encoding(text.chars().collect(), effort);
        text = Cow::Owned(characters.into_iter().collect());
    }
    let mut text = remove_terminal_escapes(simplify(&text));
    text.retain(|character| !is_removed(character));
    compose(text)
}
