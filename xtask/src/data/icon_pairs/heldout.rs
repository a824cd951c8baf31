//! Concepts that training never shows.

use std::collections::{BTreeMap, BTreeSet};

use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

use crate::data::emoji::{Concepts, NameIndex};

use super::catalog::SEED;
use crate::data::words;

/// Unicode's groups of things with looks of their own.
const GROUPS: [&str; 5] =
    ["animals-nature", "food-drink", "travel-places", "activities", "objects"];
/// Words that a good part of all user interface icons show: to hold them out would cost training
/// too much.
const WORKHORSES: [&str; 25] = [
    "battery", "bell", "bolt", "book", "bookmark", "calendar", "card", "clock", "computer", "door",
    "file", "folder", "home", "house", "key", "label", "light", "lock", "mouse", "note", "pencil",
    "shield", "speaker", "sun", "watch",
];
/// Emoji artists who must have drawn a concept, the held-out one among them.
const FEWEST_ARTISTS: usize = 5;
/// Most words in the name.
const MOST_WORDS: usize = 3;
/// Most other emoji that are kept from training with a concept.
const MOST_VARIANTS: usize = 6;

/// Where drawings of a concept may go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Training, or the test of the held-out artist.
    Free,
    /// The test of held-out concepts.
    HeldOut,
    /// Nowhere: it is a variant of a held-out concept.
    Aside,
}

/// The held-out concepts with all that would give them away.
#[derive(Debug, Default)]
pub struct HeldOut {
    /// The concepts.
    pub concepts: BTreeSet<String>,
    variants: BTreeSet<String>,
    /// Names of the concepts, in words.
    names: Vec<Vec<String>>,
    /// Keywords of the concepts, which icon makers may use as a name.
    keywords: BTreeSet<Vec<String>>,
}

impl HeldOut {
    /// Chooses up to `most` of `concepts`; `artists` is how many artists drew each.
    pub fn choose(
        most: usize,
        concepts: &Concepts,
        index: &NameIndex,
        artists: &BTreeMap<String, usize>,
    ) -> Self {
        let spoken: BTreeMap<&str, Vec<Vec<String>>> = concepts
            .iter()
            .map(|(id, concept)| (id.as_str(), names(id, &concept.name, index)))
            .collect();
        let drawn = |id: &str| artists.get(id).copied().unwrap_or(0) >= FEWEST_ARTISTS;
        let mut ids: Vec<&str> = concepts
            .iter()
            .filter(|(id, concept)| {
                GROUPS.contains(&concept.group.as_str())
                    && words::words(&concept.name).len() <= MOST_WORDS
                    && !id.contains('-')
                    && drawn(id)
            })
            .map(|(id, _)| id.as_str())
            .collect();
        ids.shuffle(&mut ChaCha8Rng::seed_from_u64(SEED));
        let mut held_out = Self::default();
        for id in ids {
            if held_out.concepts.len() == most {
                break;
            }
            if let Some(variants) = variants(id, &spoken)
                && held_out.place(id) == Place::Free
                && variants.iter().all(|variant| held_out.place(variant) == Place::Free)
            {
                held_out.add(id, variants, &spoken[id], &concepts[id].keywords);
            }
        }
        held_out
    }

    fn add(&mut self, id: &str, variants: Vec<&str>, names: &[Vec<String>], keywords: &[String]) {
        self.concepts.insert(id.to_owned());
        self.variants.extend(variants.into_iter().map(str::to_owned));
        self.names.extend_from_slice(names);
        self.keywords.extend(keywords.iter().map(|keyword| words::words(keyword)));
    }

    /// Where drawings of an emoji may go.
    pub fn place(&self, id: &str) -> Place {
        if self.concepts.contains(id) {
            Place::HeldOut
        } else if self.variants.contains(id) {
            Place::Aside
        } else {
            Place::Free
        }
    }

    /// Whether training may show an icon with these names, each in words.
    pub fn is_free(&self, names: &[Vec<String>]) -> bool {
        names.iter().all(|name| {
            !self.keywords.contains(name)
                && !self.names.iter().any(|held_out| words::contains(name, held_out))
        })
    }

    /// Emoji set aside as variants.
    pub fn variants(&self) -> usize {
        self.variants.len()
    }
}

/// All names of a concept that are long enough to mean it.
fn names(id: &str, name: &str, index: &NameIndex) -> Vec<Vec<String>> {
    let all = index.spoken(id).chain([name]).map(words::words);
    let long = all.filter(|words| words.concat().chars().count() > 2);
    long.collect::<BTreeSet<_>>().into_iter().collect()
}

/// Other concepts that show `id`: sequences with its code point, and names that contain one of
/// its names. `None` if there are too many, here or among icons, or if `id` is a variant of another itself.
fn variants<'a>(id: &str, spoken: &BTreeMap<&'a str, Vec<Vec<String>>>) -> Option<Vec<&'a str>> {
    let own = &spoken[id];
    let is_workhorse = |name: &Vec<String>| {
        WORKHORSES.iter().any(|word| words::contains(name, &[(*word).to_owned()]))
    };
    if own.iter().any(is_workhorse) {
        return None;
    }
    let shows = |whole: &[Vec<String>], part: &[Vec<String>]| {
        whole.iter().any(|whole| part.iter().any(|part| words::contains(whole, part)))
    };
    let mut variants = Vec::new();
    for (other, names) in spoken.iter().filter(|(other, _)| **other != id) {
        if other.split('-').any(|point| point == id) || shows(names, own) {
            variants.push(*other);
        } else if shows(own, names) {
            return None;
        }
    }
    (variants.len() <= MOST_VARIANTS).then_some(variants)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::emoji::Concept;

    fn held_out(concepts: &[(&str, &str)], keywords: &[&str]) -> HeldOut {
        let concept = |name: &str| Concept {
            name: name.to_owned(),
            keywords: keywords.iter().map(|word| (*word).to_owned()).collect(),
            group: "objects".to_owned(),
        };
        let concepts: Concepts =
            concepts.iter().map(|(id, name)| ((*id).to_owned(), concept(name))).collect();
        let artists = concepts.keys().map(|id| (id.clone(), FEWEST_ARTISTS)).collect();
        HeldOut::choose(10, &concepts, &NameIndex::default(), &artists)
    }

    #[test]
    fn variants_by_name_and_by_code_point_are_set_aside() {
        let held_out =
            held_out(&[("1f98a", "fox"), ("aaaa", "fox face"), ("1f98a-200d-1", "snow dog")], &[]);
        assert_eq!(held_out.place("1f98a"), Place::HeldOut);
        assert_eq!(held_out.place("aaaa"), Place::Aside);
        assert_eq!(held_out.place("1f98a-200d-1"), Place::Aside);
        assert_eq!(held_out.place("bbbb"), Place::Free);
    }

    #[test]
    fn icons_are_kept_from_training_by_name_and_by_keyword() {
        let held_out = held_out(&[("1f98a", "fox")], &["sly"]);
        let free = |name: &str| held_out.is_free(&[words::words("icon"), words::words(name)]);
        assert!(!free("fox"));
        assert!(!free("two-foxs-running"));
        assert!(!free("sly"));
        assert!(free("sly-smile"));
        assert!(free("firefox"));
    }

    #[test]
    fn what_many_icons_show_is_not_held_out() {
        let held_out = held_out(&[("1f510", "lock"), ("1f3e0", "small house")], &[]);
        assert!(held_out.concepts.is_empty());
    }

    #[test]
    fn a_variant_is_not_chosen_without_the_rest_of_its_family() {
        let held_out = held_out(&[("aaaa", "tower"), ("bbbb", "tower door")], &[]);
        assert_eq!(held_out.concepts.iter().collect::<Vec<_>>(), ["aaaa"]);
    }
}
