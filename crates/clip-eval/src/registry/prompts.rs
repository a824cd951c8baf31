//! Class names and templates.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Deserialize;

use super::{Dataset, dataset};

/// In place of a list of names: they come with the data.
const WITH_THE_DATA: &str = "with the data";

/// Where a list comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Provenance {
    /// From a package, by `tests/reference/make_registry.py`, which names it.
    Package,
    /// Completed by hand, from the data set's own list or OpenAI's `data/prompts.md`.
    Completed,
    /// Not in the registry: it comes with the data.
    WithTheData,
}

/// What a class is called: mostly one name.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(untagged)]
pub enum ClassNames {
    /// One name.
    One(String),
    /// Several, of which all count alike (openai/CLIP, `data/prompts.md`, for FER2013).
    Several(Vec<String>),
}

impl ClassNames {
    /// All of them, the main one first.
    pub fn all(&self) -> &[String] {
        match self {
            Self::One(name) => std::slice::from_ref(name),
            Self::Several(names) => names,
        }
    }
}

#[derive(Default, Deserialize)]
struct Lists {
    names: BTreeMap<String, Vec<ClassNames>>,
    templates: BTreeMap<String, Vec<String>>,
    /// The labels in ImageNet of the classes of its parts.
    #[serde(default)]
    parts: BTreeMap<String, Vec<usize>>,
}

fn lists() -> &'static [(Provenance, Lists); 2] {
    static LISTS: LazyLock<[(Provenance, Lists); 2]> = LazyLock::new(|| {
        let read = |json| serde_json::from_str(json).unwrap_or_default();
        [
            (Provenance::Package, read(include_str!("../../registry/packages.json"))),
            (Provenance::Completed, read(include_str!("../../registry/completed.json"))),
        ]
    });
    &LISTS
}

impl Dataset {
    /// What its classes are called, in the order of their labels, and where that is from. Nothing
    /// where the names come with the data.
    pub fn names(&self) -> (&'static [ClassNames], Provenance) {
        let name = self.names_list.as_ref().unwrap_or(&self.name);
        if name == WITH_THE_DATA {
            return (&[], Provenance::WithTheData);
        }
        find(|lists| lists.names.get(name).map(Vec::as_slice))
    }

    /// What names are put into, at `{}`, and where that is from.
    pub fn templates(&self) -> (&'static [String], Provenance) {
        let name = self.templates_list.as_ref().unwrap_or(&self.name);
        find(|lists| lists.templates.get(name).map(Vec::as_slice))
    }

    /// The data set that this one is a shift of, so that a probe fitted to that one can be measured
    /// here, and the labels there of the classes here.
    pub fn shifted(&self) -> Option<(&'static Dataset, Vec<usize>)> {
        let whole = dataset(self.shift_of.as_ref()?)?;
        let (part, _) = find(|lists| lists.parts.get(&self.name).map(Vec::as_slice));
        let labels = if part.is_empty() { (0..whole.classes).collect() } else { part.to_vec() };
        Some((whole, labels))
    }

    /// The main name of each class.
    pub fn main_names(&self) -> Vec<String> {
        self.names().0.iter().filter_map(|names| names.all().first().cloned()).collect()
    }
}

fn find<T>(get: impl Fn(&'static Lists) -> Option<&'static [T]>) -> (&'static [T], Provenance) {
    let mut found = lists().iter().filter_map(|(from, lists)| Some((get(lists)?, *from)));
    found.next().unwrap_or((&[], Provenance::WithTheData))
}
