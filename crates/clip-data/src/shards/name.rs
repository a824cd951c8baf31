//! Members' names to keys and extensions, by the rules of Python's webdataset.

/// Key and extension (as they are) of a member; `None` for names that Python's webdataset passes
/// over: without a dot, without anything before it, or of metadata (`__index__`).
///
/// The rule is webdataset's regular expression `^((?:.*/|)[^.]+)[.]([^/]*)$`, oddities included:
/// `a/.b.png` has the key `a/` and the extension `b.png`. Names are bytes, for some aren't UTF-8.
pub(super) fn split_name(name: &[u8]) -> Option<(&[u8], &[u8])> {
    if is_metadata(name) {
        return None;
    }
    // `.` of the expression matches no line feed.
    let line = position(name, b'\n').unwrap_or(name.len());
    let slashes = (0..line).rev().filter(|index| name[*index] == b'/');
    for start in slashes.map(|slash| slash + 1).chain([0]) {
        let dot = start + position(&name[start..], b'.')?;
        if dot > start && !name[dot..].contains(&b'/') {
            return Some((&name[..dot], &name[dot + 1..]));
        }
    }
    None
}

/// Key and extension as [`RawSample`](crate::RawSample) has them: as text, the extension in lower
/// case.
pub(crate) fn readable_split(name: &[u8]) -> Option<(String, String)> {
    let (key, extension) = split_name(name)?;
    let extension = String::from_utf8_lossy(extension).to_lowercase();
    Some((String::from_utf8_lossy(key).into_owned(), extension))
}

/// Names that start like `__this__`, whole or as a folder: webdataset keeps them for itself.
fn is_metadata(name: &[u8]) -> bool {
    let end = position(name, b'/').unwrap_or(name.len());
    // `$` of an expression matches before a line feed at the end, too.
    let first = match name[..end].strip_suffix(b"\n") {
        Some(shorter) if end == name.len() => shorter,
        _ => &name[..end],
    };
    first.len() >= 4 && first.starts_with(b"__") && first.ends_with(b"__")
}

fn position(bytes: &[u8], wanted: u8) -> Option<usize> {
    bytes.iter().position(|byte| *byte == wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_split_as_webdataset_does() {
        for (name, key, extension) in [
            ("a.png", "a", "png"),
            ("d.x/0.SEG.png", "d.x/0", "SEG.png"),
            ("a/.b.png", "a/", "b.png"),
            ("a.", "a", ""),
            ("./a.txt", "./a", "txt"),
            ("a\nb.txt", "a\nb", "txt"),
            ("__a.txt", "__a", "txt"),
        ] {
            let wanted = Some((key.as_bytes(), extension.as_bytes()));
            assert_eq!(split_name(name.as_bytes()), wanted, "{name}");
        }
        for name in
            ["a", ".a", "a.b/c", "a.b/.c", "__a__", "__a__/b.png", "", "d\n.x/a.png", "__a.b__\n"]
        {
            assert_eq!(split_name(name.as_bytes()), None, "{name}");
        }
    }
}
