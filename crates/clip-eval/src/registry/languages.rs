//! Class names and templates in other languages than English.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Deserialize;

use super::Dataset;

/// Names and templates of ImageNet's data sets in a language.
#[derive(Deserialize)]
struct Language {
    names: BTreeMap<String, Vec<String>>,
    templates: Vec<String>,
}

fn all() -> &'static BTreeMap<String, Language> {
    static ALL: LazyLock<BTreeMap<String, Language>> = LazyLock::new(|| {
        serde_json::from_str(include_str!("../../registry/languages.json")).unwrap_or_default()
    });
    &ALL
}

/// The languages that there are names in, by CLIP_benchmark's codes: `ar`, `cn`, `it` and `jp`.
pub fn languages() -> impl Iterator<Item = &'static str> {
    all().keys().map(String::as_str)
}

impl Dataset {
    /// What its classes are called in a language and what names are put into there, at `{}`: by
    /// `tests/reference/make_registry.py` from CLIP_benchmark, for ImageNet and what shares its classes.
    pub fn in_language(&self, language: &str) -> Option<(&'static [String], &'static [String])> {
        let language = all().get(language)?;
        let list = self.names_list.as_ref().unwrap_or(&self.name);
        Some((language.names.get(list)?, &language.templates))
    }
}
