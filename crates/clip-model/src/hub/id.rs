use std::fmt;
use std::str::FromStr;

use super::HubError;

/// The branch that is meant when no revision is named.
const DEFAULT_REVISION: &str = "main";

/// Longest name of a model that the hub allows.
const MAX_NAME: usize = 96;

/// A model on the hub and one of its revisions, written `org/name` or `org/name@revision`; the
/// prefix `hf-hub:`, with which open_clip marks such names, may stand before it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelId {
    name: String,
    revision: String,
}

impl ModelId {
    /// `org/name`, without the revision.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// A branch, a tag or a commit.
    pub fn revision(&self) -> &str {
        &self.revision
    }

    /// The name without its organisation.
    pub(super) fn short_name(&self) -> &str {
        self.name.rsplit('/').next().unwrap_or(&self.name)
    }
}

impl fmt::Display for ModelId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.revision.as_str() {
            DEFAULT_REVISION => f.write_str(&self.name),
            revision => write!(f, "{}@{revision}", self.name),
        }
    }
}

impl FromStr for ModelId {
    type Err = HubError;

    fn from_str(id: &str) -> Result<Self, HubError> {
        let bad = |reason| HubError::BadId { id: id.to_owned(), reason };
        let bare = id.strip_prefix("hf-hub:").unwrap_or(id);
        let (name, revision) = bare.split_once('@').unwrap_or((bare, DEFAULT_REVISION));
        check_name(name).map_err(bad)?;
        check_revision(revision).map_err(bad)?;
        Ok(Self { name: name.to_owned(), revision: revision.to_owned() })
    }
}

/// The hub's own rules, which also make a name safe as part of a path and of an address.
fn check_name(name: &str) -> Result<(), &'static str> {
    if name.len() > MAX_NAME || name.split('/').count() > 2 {
        return Err("it is not of the form `org/name` or `org/name@revision`");
    }
    if name.contains("--") || name.contains("..") || name.ends_with(".git") {
        return Err("a name has neither `--` nor `..` in it and does not end in `.git`");
    }
    let edge = |part: &str| part.starts_with(['-', '.']) || part.ends_with(['-', '.']);
    if name.split('/').any(|part| part.is_empty() || edge(part)) {
        return Err("a part of it is empty, or begins or ends with `-` or `.`");
    }
    let allowed = |c: char| c.is_ascii_alphanumeric() || "-_./".contains(c);
    match name.chars().all(allowed) {
        true => Ok(()),
        false => Err("a name has only letters, digits, `-`, `_` and `.`"),
    }
}

/// A revision becomes a path below `refs`, so it may not lead out of it.
fn check_revision(revision: &str) -> Result<(), &'static str> {
    if revision.split('/').any(|part| part.is_empty() || part.starts_with('.')) {
        return Err("a part of the revision is empty or begins with `.`");
    }
    let forbidden = |c: char| c.is_control() || c.is_whitespace() || "\\:?*[~^\"<>|".contains(c);
    match revision.contains(forbidden) {
        true => Err("the revision has a character that no branch, tag or commit has"),
        false => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_have_an_optional_prefix_and_revision() {
        let id: ModelId = "openai/clip-vit-base-patch32".parse().unwrap();
        assert_eq!((id.name(), id.revision()), ("openai/clip-vit-base-patch32", "main"));
        let id: ModelId = "hf-hub:timm/vit_base_patch32_clip_224.openai@v1".parse().unwrap();
        assert_eq!((id.name(), id.revision()), ("timm/vit_base_patch32_clip_224.openai", "v1"));
        assert_eq!(id.to_string(), "timm/vit_base_patch32_clip_224.openai@v1");
        assert_eq!(id.short_name(), "vit_base_patch32_clip_224.openai");
        assert_eq!("gpt2@refs/pr/3".parse::<ModelId>().unwrap().revision(), "refs/pr/3");
    }

    #[test]
    fn ids_that_could_lead_elsewhere_are_refused() {
        for id in [
            "",
            "/etc/passwd",
            "a/b/c",
            "../up",
            "a/..",
            "a--b/c",
            "a/b?c",
            "a b/c",
            "a/b@",
            "a/b@../../x",
            "a/b@/x",
            "a/b@x y",
            "a/b@c:d",
        ] {
            assert!(id.parse::<ModelId>().is_err(), "{id}");
        }
    }
}
