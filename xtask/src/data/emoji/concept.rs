//! Concepts: what a drawing can show, identified by Unicode code points.

use std::collections::{BTreeMap, HashMap};

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

use super::keywords;
use crate::data::npm::Package;

/// Licences (SPDX) under which names and keywords may be shipped again.
const TEXT_LICENCES: [&str; 2] = ["MIT", "Unicode-3.0"];

/// Something that emoji artists draw, with the words people use for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Concept {
    /// English name, for example `grinning face`.
    pub name: String,
    /// Other words for it, lower-case, without the name.
    pub keywords: Vec<String>,
    /// Unicode's group, for example `smileys-emotion`.
    pub group: String,
}

/// Concepts by identifier (see [`concept_id`]).
pub type Concepts = BTreeMap<String, Concept>;

/// The identifier of a code point sequence: lower-case hexadecimal, joined with `-`, without
/// the presentation selector U+FE0F, which some sources write and others leave out.
pub fn concept_id(hexcode: &str) -> String {
    let lower = hexcode.to_lowercase();
    lower.split('-').filter(|point| *point != "fe0f").collect::<Vec<_>>().join("-")
}

/// The identifier of an emoji given as text.
pub fn concept_id_of_text(emoji: &str) -> String {
    let points: Vec<_> = emoji.chars().map(|point| format!("{:x}", point as u32)).collect();
    concept_id(&points.join("-"))
}

/// An emoji in emojibase's list. Skin-tone variants sit below it and are not read.
#[derive(Deserialize)]
struct Emoji {
    label: String,
    hexcode: String,
    #[serde(default)]
    tags: Vec<String>,
    group: Option<usize>,
    subgroup: Option<usize>,
}

/// Names of emojibase's numbered groups.
#[derive(Deserialize)]
struct Groups {
    groups: HashMap<usize, String>,
    subgroups: HashMap<usize, String>,
}

#[derive(Deserialize)]
struct CldrFile {
    annotations: CldrBody,
}

#[derive(Deserialize)]
struct CldrBody {
    annotations: HashMap<String, Annotation>,
}

/// Unicode's words for a character: keywords and the name to speak.
#[derive(Deserialize)]
struct Annotation {
    #[serde(default, rename = "default")]
    keywords: Vec<String>,
    #[serde(default)]
    tts: Vec<String>,
}

/// Reads all concepts: emojibase says which there are, CLDR how they are called.
pub fn read_concepts(emojibase: &Package, cldr: &Package, emojilib: &Package) -> Result<Concepts> {
    for package in [emojibase, cldr, emojilib] {
        ensure!(
            TEXT_LICENCES.contains(&package.licence.as_str()),
            "{} is under {}, which is not in the list of licences for texts: {}",
            package.id.name,
            package.licence,
            TEXT_LICENCES.join(", "),
        );
    }
    let groups: Groups = emojibase.json("meta/groups.json")?;
    let words = Words::read(cldr, emojilib)?;
    let mut concepts = Concepts::new();
    for emoji in emojibase.json::<Vec<Emoji>>("en/data.json")? {
        if let Some(group) = group_to_keep(&emoji, &groups) {
            let id = concept_id(&emoji.hexcode);
            let concept = words
                .concept(&id, &emoji, group)
                .with_context(|| format!("{id} in emojibase's list"))?;
            concepts.insert(id, concept);
        }
    }
    Ok(concepts)
}

/// The emoji's group, or `None` if it is not a concept: a part of sequences (skin tones,
/// hair, regional indicators), or the flag of a country or of a part of one, of which all
/// artists draw near copies.
fn group_to_keep<'a>(emoji: &Emoji, groups: &'a Groups) -> Option<&'a str> {
    let group = groups.groups.get(&emoji.group?)?;
    let subgroup = groups.subgroups.get(&emoji.subgroup?)?;
    let dropped =
        group == "component" || subgroup == "country-flag" || subgroup == "subdivision-flag";
    (!dropped).then_some(group)
}

/// Words by concept identifier.
struct Words {
    cldr: HashMap<String, Annotation>,
    emojilib: HashMap<String, Vec<String>>,
}

impl Words {
    fn read(cldr: &Package, emojilib: &Package) -> Result<Self> {
        let cldr: CldrFile = cldr.json("annotations/en/annotations.json")?;
        let emojilib: HashMap<String, Vec<String>> = emojilib.json("dist/emoji-en-US.json")?;
        Ok(Self { cldr: by_id(cldr.annotations.annotations), emojilib: by_id(emojilib) })
    }

    fn concept(&self, id: &str, emoji: &Emoji, group: &str) -> Result<Concept> {
        let cldr = self.cldr.get(id);
        // CLDR has no entry for sequences whose name follows from their parts.
        let spoken = cldr.and_then(|annotation| annotation.tts.first());
        let name = spoken.unwrap_or(&emoji.label).clone();
        ensure!(!name.trim().is_empty(), "the name is empty");
        let sources = [
            cldr.map(|annotation| annotation.keywords.as_slice()).unwrap_or_default(),
            self.emojilib.get(id).map(Vec::as_slice).unwrap_or_default(),
            &emoji.tags,
        ];
        let keywords = keywords::merge(&name, sources);
        Ok(Concept { name, keywords, group: group.to_owned() })
    }
}

fn by_id<T>(by_text: HashMap<String, T>) -> HashMap<String, T> {
    by_text.into_iter().map(|(text, value)| (concept_id_of_text(&text), value)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_presentation_selector_is_not_part_of_the_identifier() {
        assert_eq!(concept_id("2764-FE0F"), "2764");
        assert_eq!(concept_id_of_text("\u{2764}\u{fe0f}"), concept_id_of_text("\u{2764}"));
    }

    #[test]
    fn components_and_country_flags_are_no_concepts() {
        let names = |pairs: &[(usize, &str)]| {
            pairs.iter().map(|(number, name)| (*number, (*name).to_owned())).collect()
        };
        let groups = Groups {
            groups: names(&[(0, "smileys-emotion"), (2, "component"), (9, "flags")]),
            subgroups: names(&[
                (0, "face-smiling"),
                (32, "skin-tone"),
                (97, "flag"),
                (98, "country-flag"),
            ]),
        };
        let kept = |group, subgroup| {
            let emoji = Emoji {
                label: String::new(),
                hexcode: String::new(),
                tags: vec![],
                group,
                subgroup,
            };
            group_to_keep(&emoji, &groups).map(str::to_owned)
        };
        assert_eq!(kept(Some(0), Some(0)).as_deref(), Some("smileys-emotion"));
        assert_eq!(kept(Some(9), Some(97)).as_deref(), Some("flags"));
        assert_eq!(kept(Some(2), Some(32)), None);
        assert_eq!(kept(Some(9), Some(98)), None);
        assert_eq!(kept(None, None), None);
    }
}
