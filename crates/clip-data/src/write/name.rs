//! Names that would not be read back as they were written.

use std::collections::HashSet;

use thiserror::Error;

use crate::RawSample;
use crate::shards::readable_split;

/// The longest name of a member, in bytes: what systems take for a path.
const MAX_NAME_BYTES: usize = 4096;

/// A sample that can't be written under its name; nothing of it was.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("cannot write the sample `{}`: {problem}", key.escape_debug())]
pub struct RefusedSample {
    /// The sample's key.
    pub key: String,
    /// What is wrong with it, and what to do.
    pub problem: NameProblem,
}

/// Why a sample would be read back under another name, or with other members.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum NameProblem {
    /// A sample without members leaves no trace in a shard.
    #[error("it has no members: give it an image and a caption")]
    NoMembers,
    /// The key, or the file name at its end, is empty.
    #[error("its key names no file: end it with a file name")]
    Empty,
    /// The key starts with `/`.
    #[error("its key is an absolute path: leave out the `/` at its start")]
    Absolute,
    /// A folder in the key is empty, `.` or `..`.
    #[error("its key has an empty folder, `.` or `..`: write the path without them")]
    Folder,
    /// The file name in the key has a dot, where the extension would begin.
    #[error("its file name has a dot, where readers let the extension begin: write `_` for it")]
    Dot,
    /// A line feed or the like.
    #[error("its key or an extension has a control character: leave it out")]
    Control,
    /// Longer than a path may be.
    #[error("a member's name takes {0} bytes, more than {MAX_NAME_BYTES}: shorten the key")]
    TooLong(usize),
    /// Names that start like `__this__` are kept for metadata.
    #[error("readers pass over names that begin with `__` and `__`: choose another key")]
    Reserved,
    /// Readers make extensions lower-case and let them hold no `/`.
    #[error("the extension `{0}` would be read back otherwise: use lower case and no `/`")]
    Extension(String),
    /// Two members with one extension would be read back as two samples.
    #[error("it has two members `{0}`: give each its own extension")]
    Twice(String),
    /// Readers join what follows on one another under one key.
    #[error("the sample before it has the same key: give each its own")]
    Repeated,
}

/// Checks that readers will find `sample` as it is, right after the sample with the key `before`.
pub(super) fn check(sample: &RawSample, before: Option<&str>) -> Result<(), RefusedSample> {
    let key = sample.key.as_str();
    let repeated = (before == Some(key)).then_some(NameProblem::Repeated);
    let problem = key_problem(key).or_else(|| members_problem(sample)).or(repeated);
    problem.map_or(Ok(()), |problem| Err(RefusedSample { key: key.to_owned(), problem }))
}

fn key_problem(key: &str) -> Option<NameProblem> {
    let (folders, file) = key.rsplit_once('/').map_or((None, key), |(a, b)| (Some(a), b));
    let mut folders = folders.into_iter().flat_map(|folders| folders.split('/'));
    if key.contains(char::is_control) {
        Some(NameProblem::Control)
    } else if key.starts_with('/') {
        Some(NameProblem::Absolute)
    } else if file == ".." || file == "." || folders.any(|name| ["", ".", ".."].contains(&name)) {
        Some(NameProblem::Folder)
    } else if file.is_empty() {
        Some(NameProblem::Empty)
    } else if file.contains('.') {
        Some(NameProblem::Dot)
    } else {
        None
    }
}

fn members_problem(sample: &RawSample) -> Option<NameProblem> {
    let mut seen = HashSet::new();
    for (extension, _) in &sample.members {
        let name = format!("{}.{extension}", sample.key);
        if extension.contains(char::is_control) {
            return Some(NameProblem::Control);
        }
        if name.len() > MAX_NAME_BYTES {
            return Some(NameProblem::TooLong(name.len()));
        }
        match readable_split(name.as_bytes()) {
            None => return Some(NameProblem::Reserved),
            Some((key, read)) if key != sample.key || read != *extension => {
                return Some(NameProblem::Extension(extension.clone()));
            }
            Some(_) if !seen.insert(extension) => {
                return Some(NameProblem::Twice(extension.clone()));
            }
            Some(_) => {}
        }
    }
    sample.members.is_empty().then_some(NameProblem::NoMembers)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(key: &str, extensions: &[&str], before: Option<&str>) -> Option<NameProblem> {
        let members = extensions.iter().map(|name| (name.to_string(), Vec::new())).collect();
        let sample = RawSample { key: key.to_owned(), shard: "".into(), members };
        check(&sample, before).err().map(|refused| refused.problem)
    }

    #[test]
    fn names_that_are_read_back_as_they_are_pass() {
        for key in ["0", "d.x/0", "__a", "a b/ü-猫", " ", "a\\b", &"n".repeat(4000)] {
            assert_eq!(problem(key, &["png", "seg.png", "txt", ""], Some("before")), None, "{key}");
        }
    }

    #[test]
    fn every_other_name_is_refused_with_its_reason() {
        let png = &["png"][..];
        let long = "n".repeat(4093);
        for (key, extensions, wanted) in [
            ("", png, NameProblem::Empty),
            ("a/", png, NameProblem::Empty),
            ("/a", png, NameProblem::Absolute),
            ("..", png, NameProblem::Folder),
            ("a/../b", png, NameProblem::Folder),
            ("./a", png, NameProblem::Folder),
            ("a//b", png, NameProblem::Folder),
            ("a.b", png, NameProblem::Dot),
            (".a", png, NameProblem::Dot),
            ("a\nb", png, NameProblem::Control),
            ("a\0", png, NameProblem::Control),
            ("a", &["p\tg"], NameProblem::Control),
            (&long, png, NameProblem::TooLong(4097)),
            ("__a__/b", png, NameProblem::Reserved),
            ("__a", &["b__"], NameProblem::Reserved),
            ("a", &["PNG"], NameProblem::Extension("PNG".into())),
            ("a", &["b/c"], NameProblem::Reserved),
            ("a", &["b/c.png"], NameProblem::Extension("b/c.png".into())),
            ("a", &["png", "txt", "png"], NameProblem::Twice("png".into())),
            ("a", &[], NameProblem::NoMembers),
        ] {
            assert_eq!(problem(key, extensions, None), Some(wanted), "{key:?}");
        }
        assert_eq!(problem("a", png, Some("a")), Some(NameProblem::Repeated));
    }

    #[test]
    fn a_refusal_names_the_sample_on_one_line() {
        let sample = RawSample { key: "a\nb".into(), shard: "".into(), members: vec![] };
        let message = check(&sample, None).unwrap_err().to_string();
        assert!(message.starts_with("cannot write the sample `a\\nb`: its key"), "{message}");
    }
}
