//! Drawings to make: from emoji sets by code point, from icon sets by name.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;

use crate::data::emoji::{Concepts, IconFile, IconSet, Joined, NameIndex, is_word};
use crate::data::lot::lot;

use super::heldout::{HeldOut, Place};
use super::label::{self, Label};
use super::style::{Look, Styles};
use crate::data::words;

/// The part of the corpus a drawing goes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Split {
    /// Transparent background; the training loader chooses the colour behind it.
    Train,
    /// Drawn from what would be training; on white, as all that follow.
    Validation,
    /// Concepts known from training by an artist who is not.
    TestArtist,
    /// Concepts that are not known from training.
    TestConcepts,
}

impl Split {
    /// All splits.
    pub const ALL: [Self; 4] =
        [Self::Train, Self::Validation, Self::TestArtist, Self::TestConcepts];

    /// Prefix of the split's shard files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Train => "train",
            Self::Validation => "validation",
            Self::TestArtist => "test-artist",
            Self::TestConcepts => "test-concepts",
        }
    }
}

/// A drawing to make.
pub struct Wanted {
    /// Unique name of the sample.
    pub key: String,
    /// Where it goes; nothing goes to validation yet.
    pub split: Split,
    /// The drawing.
    pub svg: String,
    /// What the sample says.
    pub label: Label,
}

/// Why icons of a set are not drawn.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct LeftOut {
    /// Another style with the same look is drawn.
    pub styles: usize,
    /// They move: no single picture is the icon.
    pub animated: usize,
    /// They are the mark of a brand.
    pub brands: usize,
    /// Their names hold no words.
    pub wordless: usize,
    /// They show a held-out concept or a variant of one.
    pub held_out: usize,
}

/// Drawings of an emoji set.
pub fn of_emoji(
    set: &IconSet,
    joined: &Joined,
    concepts: &Concepts,
    held_out: &HeldOut,
    unseen_artist: bool,
) -> Result<(Vec<Wanted>, LeftOut)> {
    let (mut wanted, mut left_out) = (Vec::new(), LeftOut::default());
    for (id, icons) in joined {
        let split = match held_out.place(id) {
            Place::HeldOut => Split::TestConcepts,
            Place::Free if unseen_artist => Split::TestArtist,
            Place::Free => Split::Train,
            Place::Aside => {
                left_out.held_out += icons.len();
                continue;
            }
        };
        let concept = &concepts[id];
        for (number, icon) in icons.iter().enumerate() {
            let repeat = if number == 0 { String::new() } else { format!("-{}", number + 1) };
            let label = Label {
                concept: id.clone(),
                name: concept.name.clone(),
                keywords: concept.keywords.clone(),
                artist: set.name.to_owned(),
                category: words::category(&concept.group),
                style: String::new(),
                frames: label::emoji_frames(),
            };
            let key = format!("{}/{id}{repeat}", set.name);
            wanted.push(Wanted { key, split, svg: set.svg(icon)?, label });
        }
    }
    Ok((wanted, left_out))
}

/// What is needed to choose among the icons of any set.
pub struct Chooser<'a> {
    /// The emoji and their words.
    pub concepts: &'a Concepts,
    /// Emoji by name.
    pub index: &'a NameIndex,
    /// What training must not show.
    pub held_out: &'a HeldOut,
    /// Names of brands.
    pub brands: &'a BTreeSet<String>,
}

/// Categories that say nothing, and so are no keywords.
const EMPTY_CATEGORIES: [&str; 13] = [
    "action",
    "actions",
    "base",
    "basic",
    "common",
    "content",
    "core",
    "essential",
    "general",
    "misc",
    "miscellaneous",
    "other",
    "regular",
];
/// Names of animals that icon makers use for parts of computers.
const HOMONYMS: [&str; 2] = ["mouse", "ram"];
/// Most keywords of an icon.
const MOST_KEYWORDS: usize = 12;
/// Name layers of [`NameIndex`] that are trusted to lend an icon the emoji's keywords: official
/// names and icon names of sets that give code points. Shortcodes are too short to be sure.
const TRUSTED_LAYERS: usize = 2;

impl Chooser<'_> {
    /// Drawings of an icon set: of each name one in each look.
    pub fn of_icons(&self, set: &str, colourful: bool, file: &IconFile) -> (Vec<Wanted>, LeftOut) {
        let mut left_out = LeftOut::default();
        let styles = Styles::of(file);
        let categories = categories(file);
        let mut choice: BTreeMap<(&str, Look), (u64, Wanted)> = BTreeMap::new();
        for (name, others) in file.names() {
            let styled = styles.split(name);
            let all: Vec<Vec<String>> = [styled.base]
                .into_iter()
                .chain(others.iter().map(|other| styles.split(other).base))
                .map(words::words)
                .collect();
            let category = categories.get(name).copied().unwrap_or_default();
            let Some(counter) = self.reason_against(&all, category, file, name, &mut left_out)
            else {
                let label = self.label(set, &all, category, &styled.style.join(" "), colourful);
                let svg = file.svg(name).unwrap_or_default();
                let key = format!("{set}/{name}");
                let drawn = lot(&key);
                let wanted = Wanted { key, split: Split::Train, svg, label };
                let place = (styled.base, styled.look);
                let better = choice.get(&place).is_none_or(|(other, _)| drawn < *other);
                if choice.contains_key(&place) {
                    left_out.styles += 1;
                }
                if better {
                    choice.insert(place, (drawn, wanted));
                }
                continue;
            };
            *counter += 1;
        }
        let mut wanted: Vec<Wanted> = choice.into_values().map(|(_, wanted)| wanted).collect();
        wanted.sort_by(|left, right| left.key.cmp(&right.key));
        (wanted, left_out)
    }

    /// The count that an icon adds to if it is not drawn.
    fn reason_against<'c>(
        &self,
        names: &[Vec<String>],
        category: &str,
        file: &IconFile,
        name: &str,
        left_out: &'c mut LeftOut,
    ) -> Option<&'c mut usize> {
        let moves = |body: &str| body.contains("<animate") || body.contains("<set ");
        if file.icons.get(name).is_some_and(|icon| moves(&icon.body)) {
            Some(&mut left_out.animated)
        } else if self.is_brand(&names[0], category) {
            Some(&mut left_out.brands)
        } else if !words::speak(&names[0]) {
            Some(&mut left_out.wordless)
        } else if !self.held_out.is_free(names) || self.is_held_out_emoji(names) {
            Some(&mut left_out.held_out)
        } else {
            None
        }
    }

    fn is_brand(&self, name: &[String], category: &str) -> bool {
        let marked = |word: &str| ["brand", "brands", "logo", "logos"].contains(&word);
        name.iter().any(|word| marked(word))
            || words::category(category).split(' ').any(marked)
            || self.brands.contains(&name.concat())
    }

    fn is_held_out_emoji(&self, names: &[Vec<String>]) -> bool {
        let found = names.iter().filter_map(|name| self.index.find(&name.concat()));
        found.into_iter().any(|(_, id)| self.held_out.place(id) != Place::Free)
    }

    fn label(
        &self,
        set: &str,
        names: &[Vec<String>],
        category: &str,
        style: &str,
        colourful: bool,
    ) -> Label {
        let emoji = names
            .iter()
            .filter(|name| !HOMONYMS.contains(&name.concat().as_str()))
            .filter_map(|name| self.index.find(&name.concat()))
            .filter(|(layer, id)| *layer < TRUSTED_LAYERS && self.concepts.contains_key(*id))
            .min_by_key(|(layer, _)| *layer)
            .map(|(_, id)| id);
        let name = names[0].join(" ");
        let category = words::category(category);
        let mut keywords: Vec<String> = Vec::new();
        let of_emoji = emoji.map(|id| self.concepts[id].keywords.as_slice()).unwrap_or_default();
        let aliases = names[1..].iter().map(|name| name.join(" "));
        for keyword in aliases.chain(of_emoji.iter().cloned()).chain([category.clone()]) {
            let says = is_word(&keyword) && !EMPTY_CATEGORIES.contains(&keyword.as_str());
            if says && keyword != name && !keywords.contains(&keyword) {
                keywords.push(keyword);
            }
        }
        keywords.truncate(MOST_KEYWORDS);
        Label {
            concept: emoji.map_or_else(|| words::concept(&names[0]), str::to_owned),
            name,
            keywords,
            artist: set.to_owned(),
            category,
            style: style.to_owned(),
            frames: label::icon_frames(style, colourful),
        }
    }
}

/// The first category of each icon that has one.
fn categories(file: &IconFile) -> BTreeMap<&str, &str> {
    let mut categories = BTreeMap::new();
    for (category, icons) in &file.categories {
        for icon in icons {
            categories.entry(icon.as_str()).or_insert(category.as_str());
        }
    }
    categories
}
