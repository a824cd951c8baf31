//! Where a shard is.

use std::fmt;
use std::path::{Path, PathBuf};

/// Where a shard is, as its spec says.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Location {
    /// A file.
    File(PathBuf),
    /// An address: `http://`, `https://`, `s3://`, `gs://`, `az://` and what else has a scheme.
    Url(String),
    /// A shell command whose output is the shard: `pipe:` and the command.
    Pipe(String),
}

impl Location {
    /// The file or folder that a spec without braces names, or what else it stands for.
    pub fn parse(spec: &str) -> Self {
        if let Some(command) = spec.strip_prefix("pipe:") {
            return Self::Pipe(command.trim().to_owned());
        }
        match spec.split_once("://") {
            Some(("file", path)) => Self::File(PathBuf::from(path)),
            Some((scheme, _)) if is_scheme(scheme) => Self::Url(spec.to_owned()),
            _ => Self::File(PathBuf::from(spec)),
        }
    }

    /// The file's path, where it is one.
    pub fn file(&self) -> Option<&Path> {
        match self {
            Self::File(path) => Some(path),
            Self::Url(_) | Self::Pipe(_) => None,
        }
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => path.display().fmt(f),
            Self::Url(url) => f.write_str(url),
            Self::Pipe(command) => write!(f, "pipe:{command}"),
        }
    }
}

impl From<PathBuf> for Location {
    fn from(path: PathBuf) -> Self {
        Self::File(path)
    }
}

fn is_scheme(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|character| character.is_ascii_alphanumeric())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn specs_say_what_they_are() {
        let shown = |spec| Location::parse(spec).to_string();
        assert_eq!(Location::parse("a/b.tar"), Location::File("a/b.tar".into()));
        assert_eq!(Location::parse("file:///a.tar"), Location::File("/a.tar".into()));
        assert!(matches!(Location::parse("s3://bucket/a.tar"), Location::Url(_)));
        assert!(matches!(Location::parse("pipe: cat a.tar"), Location::Pipe(_)));
        for spec in ["a b/c.tar", "https://host/a.tar", "pipe:cat a.tar"] {
            assert_eq!(shown(spec), spec);
        }
    }
}
