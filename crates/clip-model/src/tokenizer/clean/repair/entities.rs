//! HTML character references, as Python's `html.unescape` and ftfy's stricter `unescape_html` read
//! them.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::LazyLock;

/// The longest name that counts without a semicolon, such as `frac12`.
const LONGEST_BARE: usize = 6;

/// What a name stands for.
struct Entity {
    value: String,
    /// Old names count without their semicolon too.
    bare: bool,
}

/// HTML 5's names, without the semicolon.
static NAMES: LazyLock<HashMap<&'static str, Entity>> = LazyLock::new(|| {
    let lines = include_str!("../../../../assets/html5_entities.txt").lines();
    lines.filter_map(|line| line.split_once(' ')).map(|(name, codes)| entity(name, codes)).collect()
});

fn entity(name: &'static str, codes: &str) -> (&'static str, Entity) {
    let codes = codes.split(' ').filter_map(|code| u32::from_str_radix(code, 16).ok());
    let value = codes.filter_map(char::from_u32).collect();
    let bare = name.ends_with('*');
    (name.trim_end_matches('*'), Entity { value, bare })
}

/// Python's `html.unescape`: HTML 5's rules, with the longest known name where the semicolon is
/// missing.
pub fn unescape(text: &str) -> Cow<'_, str> {
    replace_references(text, |reference, out| {
        if let Some((character, length)) = numeric(reference) {
            out.extend(character);
            return length;
        }
        named(reference, out)
    })
}

/// ftfy's `unescape_html`: only references that end in a semicolon, and names of small letters
/// written in capitals (`&EACUTE;`) as the capital.
pub fn unescape_strict(text: &str) -> Cow<'_, str> {
    replace_references(text, |reference, out| {
        let length = strict_length(reference);
        match length > 0 && strict_value(&reference[..length], out) {
            true => length,
            false => 0,
        }
    })
}

/// [`unescape_strict`] again and again until nothing changes, in one pass.
///
/// References never overlap (each has one `&`, its first character, and one `;`, its last), so the
/// order in which they are replaced does not matter.
pub fn unescape_strict_fully(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut pending: Vec<char> = Vec::new();
    let mut value = String::new();
    for character in text.chars() {
        pending.push(character);
        while let Some(character) = pending.pop() {
            out.push(character);
            if character != ';' {
                continue;
            }
            let Some(at) = open_reference(&out) else { continue };
            value.clear();
            if strict_value(&out[at..], &mut value) {
                out.truncate(at);
                pending.extend(value.chars().rev());
            }
        }
    }
    out
}

/// Where the reference that ends with the text's last character starts.
fn open_reference(text: &str) -> Option<usize> {
    // `&`, `#`, 24 letters or digits and `;` are the longest.
    let window = text.len().saturating_sub(27);
    let at = text.as_bytes()[window..].iter().rposition(|byte| *byte == b'&')? + window;
    (strict_length(&text[at..]) == text.len() - at).then_some(at)
}

/// Copies the text, with what `replace` writes in place of each reference. `replace` is given the
/// text from an `&` on and returns the length of what it replaced, 0 for nothing.
fn replace_references(
    text: &str,
    mut replace: impl FnMut(&str, &mut String) -> usize,
) -> Cow<'_, str> {
    if !text.contains('&') {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let length = replace(rest, &mut out);
        if length == 0 {
            out.push('&');
        }
        rest = &rest[length.max(1)..];
    }
    out.push_str(rest);
    Cow::Owned(out)
}

/// Length of `&`, an optional `#`, 1 to 24 letters or digits and `;`, else 0.
fn strict_length(reference: &str) -> usize {
    let bytes = reference.as_bytes();
    let start = if bytes.get(1) == Some(&b'#') { 2 } else { 1 };
    let inner = bytes[start..].iter().take(25).take_while(|byte| byte.is_ascii_alphanumeric());
    let end = start + inner.count();
    match (1..=24).contains(&(end - start)) && bytes.get(end) == Some(&b';') {
        true => end + 1,
        false => 0,
    }
}

/// Writes what a whole reference, with its `&` and `;`, stands for; false if nothing.
fn strict_value(reference: &str, out: &mut String) -> bool {
    let name = &reference[1..reference.len() - 1];
    if name.starts_with('#') {
        return match numeric(reference) {
            Some((character, length)) if length == reference.len() && character != Some(';') => {
                out.extend(character);
                true
            }
            _ => false,
        };
    }
    if let Some(entity) = NAMES.get(name) {
        out.push_str(&entity.value);
        return true;
    }
    let Some(entity) = capitals(name) else { return false };
    out.push_str(&entity.value.to_uppercase());
    true
}

/// The entity whose small letters are written in capitals, unless `html.unescape` reads something
/// into the capitals.
fn capitals(name: &str) -> Option<&'static Entity> {
    if name.bytes().any(|byte| byte.is_ascii_lowercase()) || bare_prefix(name).is_some() {
        return None;
    }
    NAMES.get(name.to_ascii_lowercase().as_str())
}

/// The longest name of at least two letters that counts without a semicolon and starts the text.
fn bare_prefix(text: &str) -> Option<(&'static str, usize)> {
    let longest = text.bytes().take(LONGEST_BARE).take_while(u8::is_ascii_alphanumeric).count();
    let names = (2..=longest).rev().filter_map(|end| Some((NAMES.get(&text[..end])?, end)));
    let mut bare = names.filter(|(entity, _)| entity.bare);
    bare.next().map(|(entity, end)| (entity.value.as_str(), end))
}

/// Writes what a named reference without or with a semicolon stands for; its length, else 0.
fn named(reference: &str, out: &mut String) -> usize {
    let name = &reference[1..];
    let whole = name.bytes().take(33).take_while(u8::is_ascii_alphanumeric).count();
    if (1..=32).contains(&whole)
        && name.as_bytes().get(whole) == Some(&b';')
        && let Some(entity) = NAMES.get(&name[..whole])
    {
        out.push_str(&entity.value);
        return whole + 2;
    }
    let Some((value, length)) = bare_prefix(name) else { return 0 };
    out.push_str(value);
    length + 1
}

/// What a numeric reference stands for (perhaps nothing) and its length.
fn numeric(reference: &str) -> Option<(Option<char>, usize)> {
    let digits = reference.strip_prefix("&#")?;
    let (digits, radix, start) = match digits.strip_prefix(['x', 'X']) {
        Some(digits) => (digits, 16, 3),
        None => (digits, 10, 2),
    };
    let count = digits.chars().take_while(|digit| digit.is_digit(radix)).count();
    if count == 0 {
        return None;
    }
    let number = digits[..count].chars().filter_map(|digit| digit.to_digit(radix));
    let code = number.fold(0_u32, |code, digit| code.saturating_mul(radix).saturating_add(digit));
    let semicolon = usize::from(digits[count..].starts_with(';'));
    Some((character(code), start + count + semicolon))
}

/// The character of a numeric reference by HTML 5's rules: Windows-1252 for the C1 controls, none
/// for what may not be written.
fn character(code: u32) -> Option<char> {
    match code {
        0 => Some('\u{fffd}'),
        0x0d => Some('\r'),
        0x80..=0x9f => Some(super::encodings::windows_1252(code as u8)),
        0xd800..=0xdfff | 0x11_0000.. => Some('\u{fffd}'),
        0x01..=0x08 | 0x0b | 0x0e..=0x1f | 0x7f | 0xfdd0..=0xfdef => None,
        _ if code & 0xfffe == 0xfffe => None,
        _ => char::from_u32(code),
    }
}
