//! Finds the concept an icon shows from the icon's name, for sets without code points.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use anyhow::Result;
use serde::Deserialize;

use super::concept::{Concepts, concept_id};
use super::iconset::IconSet;
use crate::data::npm::Package;

/// Shortcode lists of emojibase, the best known first.
const SHORTCODES: [&str; 5] = ["cldr", "emojibase", "github", "iamcal", "joypixels"];

/// Layers of name-to-concept tables, the most trusted first.
///
/// A name that two concepts share within a layer is ambiguous and matches nothing, also not in
/// the layers below: a missed drawing costs less than a wrong caption.
#[derive(Default)]
pub struct NameIndex {
    layers: Vec<HashMap<String, Option<String>>>,
    /// Every name of every concept, as its source writes it.
    spoken: BTreeMap<String, BTreeSet<String>>,
}

/// A shortcode entry is a text or a list of texts.
#[derive(Deserialize)]
#[serde(untagged)]
enum Shortcodes {
    One(String),
    Many(Vec<String>),
}

impl Shortcodes {
    fn into_vec(self) -> Vec<String> {
        match self {
            Self::One(code) => vec![code],
            Self::Many(codes) => codes,
        }
    }
}

impl NameIndex {
    /// Builds the index: official names, names in sets that give code points, names of
    /// Unicode characters, shortcodes.
    pub fn read(concepts: &Concepts, emojibase: &Package, coded: &[&IconSet]) -> Result<Self> {
        let mut index = Self::default();
        index.add_layer(concepts.iter().map(|(id, concept)| (concept.name.clone(), id.clone())));
        index.add_layer(coded.iter().flat_map(|set| set.names_of_code_points()));
        let characters: HashMap<String, String> = emojibase.json("meta/unicode-names.json")?;
        index.add_layer(characters.into_iter().map(|(code, name)| (name, concept_id(&code))));
        for list in SHORTCODES {
            let codes: HashMap<String, Shortcodes> =
                emojibase.json(&format!("en/shortcodes/{list}.json"))?;
            index.add_layer(codes.into_iter().flat_map(|(code, names)| {
                let id = concept_id(&code);
                names.into_vec().into_iter().map(move |name| (name, id.clone()))
            }));
        }
        Ok(index)
    }

    fn add_layer(&mut self, names: impl Iterator<Item = (String, String)>) {
        let mut layer: HashMap<String, Option<String>> = HashMap::new();
        for (name, id) in names {
            self.spoken.entry(id.clone()).or_default().insert(name.clone());
            layer
                .entry(letters(&name))
                .and_modify(|known| {
                    if known.as_ref() != Some(&id) {
                        *known = None;
                    }
                })
                .or_insert(Some(id));
        }
        self.layers.push(layer);
    }

    /// All names that some source has for a concept, ambiguous ones too.
    pub fn spoken(&self, id: &str) -> impl Iterator<Item = &str> {
        self.spoken.get(id).into_iter().flatten().map(String::as_str)
    }

    /// The concept a name stands for, with the number of the layer that knew it.
    pub fn find(&self, name: &str) -> Option<(usize, &str)> {
        let name = letters(name);
        let (depth, id) = self
            .layers
            .iter()
            .enumerate()
            .find_map(|(depth, layer)| layer.get(&name).map(|id| (depth, id)))?;
        id.as_deref().map(|id| (depth, id))
    }
}

/// A name reduced to what all sources agree on: some write `2-hearts`, some `2hearts`.
fn letters(name: &str) -> String {
    name.to_lowercase().chars().filter(|letter| letter.is_alphanumeric()).collect()
}

/// `cat` for `cat-2`.
pub fn without_number(name: &str) -> &str {
    match name.rsplit_once('-') {
        Some((stem, number)) if number.bytes().all(|digit| digit.is_ascii_digit()) => stem,
        _ => name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(pairs: &[(&str, &str)]) -> impl Iterator<Item = (String, String)> {
        let owned: Vec<_> =
            pairs.iter().map(|(name, id)| ((*name).to_owned(), (*id).to_owned())).collect();
        owned.into_iter()
    }

    #[test]
    fn spelling_does_not_matter_and_the_first_layer_wins() {
        let mut index = NameIndex::default();
        index.add_layer(pairs(&[("alarm clock", "23f0")]));
        index.add_layer(pairs(&[("alarm_clock", "ffff"), ("poo", "1f4a9")]));
        assert_eq!(index.find("AlarmClock"), Some((0, "23f0")));
        assert_eq!(index.find("poo"), Some((1, "1f4a9")));
        assert_eq!(index.find("tulip"), None);
    }

    #[test]
    fn an_ambiguous_name_matches_nothing() {
        let mut index = NameIndex::default();
        index.add_layer(pairs(&[("keycap: #", "23-20e3"), ("keycap: *", "2a-20e3")]));
        index.add_layer(pairs(&[("keycap", "23-20e3")]));
        assert_eq!(index.find("keycap"), None);
    }

    #[test]
    fn only_a_trailing_number_is_taken_off() {
        assert_eq!(without_number("man-artist-2"), "man-artist");
        assert_eq!(without_number("man-artist"), "man-artist");
        assert_eq!(without_number("2"), "2");
    }
}
