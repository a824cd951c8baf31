//! UTF-8 with the damage that it commonly takes: lost no-break spaces, lost bytes, surrogates.

use std::ops::RangeInclusive;

/// A position of a byte pattern: the ranges that the byte may lie in.
type Class = &'static [RangeInclusive<u8>];

const SPACE: Class = &[b' '..=b' '];
/// Continuation bytes that a space beside them would not make a common character with.
const USUAL: Class = &[0x80..=0x84, 0x86..=0x9f, 0xa1..=0xbf];
const ANY: Class = &[0x80..=0xbf];
const F0: Class = &[0xf0..=0xf0];

/// UTF-8 in which a space stands for 0xa0, where the character would be a likely one.
const WITH_SPACE: &[&[Class]] = &[
    &[&[0xc2..=0xc3, 0xc5..=0xc5, 0xce..=0xce, 0xd0..=0xd0, 0xd9..=0xd9], SPACE],
    &[&[0xe2..=0xe3], SPACE, USUAL],
    &[&[0xe0..=0xe3], USUAL, SPACE],
    &[F0, SPACE, ANY, ANY],
    &[F0, ANY, SPACE, ANY],
    &[F0, ANY, ANY, SPACE],
];

/// A byte that was lost, or shown as a question mark.
const LOST: Class = &[0x1a..=0x1a];
const LOST_OR_ASKED: Class = &[0x1a..=0x1a, b'?'..=b'?'];
const LOST_OR_ANY: Class = &[0x1a..=0x1a, 0x80..=0xbf];
const HIGH: &[Class; 2] = &[&[0xed..=0xed], &[0xa0..=0xaf]];
const LOW: &[Class; 2] = &[&[0xed..=0xed], &[0xb0..=0xbf]];
const LOST_ASKED_OR_ANY: Class = &[0x1a..=0x1a, b'?'..=b'?', 0x80..=0xbf];
const LEAD_3: Class = &[0xe0..=0xef];
const LEAD_4: Class = &[0xf0..=0xf4];

/// UTF-8 that lacks some of its bytes.
const LOSSY: &[&[Class]] = &[
    &[&[0xc2..=0xdf], LOST],
    &[&[0xc2..=0xc3], &[b'?'..=b'?']],
    &[HIGH[0], HIGH[1], LOST_OR_ASKED, LOW[0], LOW[1], LOST_ASKED_OR_ANY],
    &[HIGH[0], HIGH[1], LOST_ASKED_OR_ANY, LOW[0], LOW[1], LOST_OR_ASKED],
    &[LEAD_3, LOST_OR_ASKED, LOST_OR_ANY],
    &[LEAD_3, LOST_OR_ANY, LOST_OR_ASKED],
    &[LEAD_4, LOST_OR_ASKED, LOST_OR_ANY, LOST_OR_ANY],
    &[LEAD_4, LOST_OR_ANY, LOST_OR_ASKED, LOST_OR_ANY],
    &[LEAD_4, LOST_OR_ANY, LOST_OR_ANY, LOST_OR_ASKED],
    &[LOST],
];

/// Length of the first pattern that the bytes start with.
fn matched(patterns: &[&[Class]], bytes: &[u8]) -> Option<usize> {
    let fits = |pattern: &&&[Class]| {
        pattern.len() <= bytes.len()
            && pattern
                .iter()
                .zip(bytes)
                .all(|(class, byte)| class.iter().any(|range| range.contains(byte)))
    };
    patterns.iter().find(fits).map(|pattern| pattern.len())
}

/// Copies the bytes, with what `write` makes of each match in its place.
fn replace(bytes: &[u8], patterns: &[&[Class]], write: impl Fn(&[u8], &mut Vec<u8>)) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        match matched(patterns, &bytes[at..]) {
            Some(length) => {
                write(&bytes[at..at + length], &mut out);
                at += length;
            }
            None => {
                out.push(bytes[at]);
                at += 1;
            }
        }
    }
    out
}

/// Puts back 0xa0 where a space took its place inside UTF-8.
pub fn restore_no_break_spaces(bytes: Vec<u8>) -> Vec<u8> {
    if !bytes.contains(&b' ') {
        return bytes;
    }
    replace(&part_a_grave(&bytes), WITH_SPACE, |found, out| {
        out.extend(found.iter().map(|byte| if *byte == b' ' { 0xa0 } else { *byte }));
    })
}

/// 0xc3 and a space are an `à` that keeps its space: it is a word, but for some in Portuguese that
/// start with it.
fn part_a_grave(bytes: &[u8]) -> Vec<u8> {
    const STARTS: [&[u8]; 5] = [b" ", b"quele", b"quela", b"quilo", b"s "];
    let mut out = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some(first) = rest.first() {
        out.push(*first);
        rest = &rest[1..];
        if *first == 0xc3
            && let Some(after) = rest.strip_prefix(b" ")
            && !STARTS.iter().any(|start| after.starts_with(start))
        {
            out.extend(b"\xa0 ");
            rest = after;
        }
    }
    out
}

/// UTF-8 that lacks bytes becomes the replacement character's.
pub fn replace_lossy(bytes: Vec<u8>) -> Vec<u8> {
    if !bytes.iter().any(|byte| matches!(byte, 0x1a | b'?')) {
        return bytes;
    }
    replace(&bytes, LOSSY, |_, out| out.extend("\u{fffd}".as_bytes()))
}

/// Reads UTF-8 in which characters may be written as two surrogates (CESU-8) and zero as 0xc0 0x80
/// (Java).
pub fn decode(bytes: &[u8]) -> Option<String> {
    let mut text = String::with_capacity(bytes.len());
    let mut plain = 0;
    let mut at = 0;
    while let Some(found) = bytes[at..].iter().position(|byte| matches!(byte, 0xc0 | 0xed)) {
        at += found;
        match variant(&bytes[at..]) {
            Some((character, length)) => {
                text.push_str(std::str::from_utf8(&bytes[plain..at]).ok()?);
                text.push(character);
                at += length;
                plain = at;
            }
            // Plain UTF-8, or an error that is found later.
            None => at += 1,
        }
    }
    text.push_str(std::str::from_utf8(&bytes[plain..]).ok()?);
    Some(text)
}

/// The character that the bytes start with, if it is written in one of the two other ways.
fn variant(bytes: &[u8]) -> Option<(char, usize)> {
    // ftfy's patterns let a line feed that ends the text pass for the last byte.
    match *bytes {
        [0xc0, 0x80, ..] | [0xc0, b'\n'] => Some(('\0', 2)),
        [0xed, b @ 0xa0..=0xaf, c @ 0x80..=0xbf, 0xed, e @ 0xb0..=0xbf, f, ref rest @ ..]
            if matches!(f, 0x80..=0xbf) || (f == b'\n' && rest.is_empty()) =>
        {
            let bits = |byte: u8, mask: u8, shift: u32| u32::from(byte & mask) << shift;
            let code = bits(b, 0xf, 16) + bits(c, 0x3f, 10) + bits(e, 0xf, 6) + bits(f, 0x3f, 0);
            Some((char::from_u32(code + 0x1_0000)?, 6))
        }
        _ => None,
    }
}
