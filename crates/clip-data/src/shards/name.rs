//! Members' names to keys and extensions, by the rules of Python's webdataset.

/// Key and extension (in lower case) of a member; `None` for names that Python's webdataset passes
/// over: without a dot, without anything before it, or of metadata (`__index__`).
///
/// The rule is webdataset's regular expression `^((?:.*/|)[^.]+)[.]([^/]*)$`, oddities included:
/// `a/.b.png` has the key `a/` and the extension `b.png`.
pub(crate) fn split_name(name: &str) -> Option<(String, String)> {
    if is_metadata(name) {
        return None;
    }
    // `.` of the expression matches no line feed.
    let line = name.find('\n').unwrap_or(name.len());
    let starts = name[..line].rmatch_indices('/').map(|(slash, _)| slash + 1).chain([0]);
    for start in starts {
        let dot = start + name[start..].find('.')?;
        if dot > start && !name[dot..].contains('/') {
            return Some((name[..dot].to_owned(), name[dot + 1..].to_lowercase()));
        }
    }
    None
}

/// Names that start like `__this__`, whole or as a folder: webdataset keeps them for itself.
fn is_metadata(name: &str) -> bool {
    let first = name.split('/').next().unwrap_or(name);
    first.len() >= 4 && first.starts_with("__") && first.ends_with("__")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_split_as_webdataset_does() {
        for (name, key, extension) in [
            ("a.png", "a", "png"),
            ("d.x/0.SEG.png", "d.x/0", "seg.png"),
            ("a/.b.png", "a/", "b.png"),
            ("a.", "a", ""),
            ("./a.txt", "./a", "txt"),
            ("a\nb.txt", "a\nb", "txt"),
            ("__a.txt", "__a", "txt"),
        ] {
            let wanted = Some((key.to_owned(), extension.to_owned()));
            assert_eq!(split_name(name), wanted, "{name}");
        }
        for name in ["a", ".a", "a.b/c", "a.b/.c", "__a__", "__a__/b.png", "", "d\n.x/a.png"] {
            assert_eq!(split_name(name), None, "{name}");
        }
    }
}
