//! Names of files that a server or an index gives.

use std::collections::BTreeSet;

/// Small files that say how the weights are to be used.
pub(super) const CONFIGS: [&str; 6] = [
    "open_clip_config.json",
    "config.json",
    "preprocessor_config.json",
    "processor_config.json",
    "tokenizer.json",
    "tokenizer_config.json",
];

/// The files that an index names, each once; none if the text is no index.
pub(super) fn shards(index: &str) -> Option<Vec<String>> {
    let index: serde_json::Value = serde_json::from_str(index).ok()?;
    let files = index.get("weight_map")?.as_object()?.values();
    let files = files.map(|file| file.as_str().map(str::to_owned));
    Some(files.collect::<Option<BTreeSet<_>>>()?.into_iter().collect())
}

/// Whether `name` stays inside the folder that it is joined to, on every system.
pub(super) fn is_safe(name: &str) -> bool {
    let forbidden = |c: char| c.is_control() || matches!(c, '\\' | ':');
    let inside = |part: &str| !matches!(part, "" | "." | "..");
    !name.contains(forbidden) && name.split('/').all(inside)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_index_names_each_shard_once() {
        let index =
            r#"{"weight_map": {"a": "2.safetensors", "b": "1.safetensors", "c": "2.safetensors"}}"#;
        assert_eq!(shards(index).unwrap(), ["1.safetensors", "2.safetensors"]);
        assert_eq!(shards("{}"), None);
        assert_eq!(shards(r#"{"weight_map": {"a": 1}}"#), None);
    }

    #[test]
    fn names_that_escape_are_not_safe() {
        assert!(is_safe("model.safetensors") && is_safe("a/b.pt"));
        for name in ["../x", "/x", "a/../../x", "a//b", "a/", "", ".", "..\\x", "c:x", "a\0b"] {
            assert!(!is_safe(name), "{name:?}");
        }
    }
}
