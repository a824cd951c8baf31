//! Icon sets in the one package that holds all of them.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

use crate::data::emoji::{Credit, IconFile, IconSet};
use crate::data::npm::Package;

use super::catalog::{self, Artist, BRANDS, THINGS};
use crate::data::words;

/// What a set says of itself.
#[derive(Clone, Debug, Deserialize)]
pub struct About {
    /// Author, project and licence.
    #[serde(flatten)]
    pub credit: Credit,
    /// Full name.
    #[serde(rename = "name")]
    pub title: String,
    /// Kind of set, for example `Logos`.
    #[serde(default)]
    pub category: String,
    /// Whether icons have colours of their own.
    #[serde(default)]
    pub palette: bool,
}

#[derive(Deserialize)]
struct Described {
    info: About,
}

/// Reads what the set in `json` says of itself, and nothing else.
pub fn about(json: &[u8]) -> Result<About> {
    Ok(serde_json::from_slice::<Described>(json)?.info)
}

/// The name of a set by its path in the package.
pub fn set_name(member: &str) -> Option<&str> {
    member.strip_prefix("json/")?.strip_suffix(".json")
}

/// What is read before the icon sets.
pub struct EmojiSets {
    /// The emoji sets, in the order asked for.
    pub sets: Vec<(IconSet, About)>,
    /// Names of brands.
    pub brands: BTreeSet<String>,
}

/// The emoji sets, in the order of `artists`, and the names of brands that are no names of things.
pub fn read_emoji(iconify: &Package, artists: &[Artist]) -> Result<EmojiSets> {
    let mut sets = BTreeMap::new();
    let (mut brands, mut things) = (BTreeSet::new(), BTreeSet::new());
    let artist = |name: &str| artists.iter().find(|artist| artist.set == name);
    iconify.each_file(
        |member| {
            let used = |name| [BRANDS, THINGS].contains(&name) || artist(name).is_some();
            set_name(member).is_some_and(used)
        },
        |member, json| {
            let file: IconFile = parse(member, &json)?;
            if let Some(artist) = set_name(member).and_then(artist) {
                let about = about(&json).with_context(|| format!("in {member}"))?;
                let Credit { licence, .. } = &about.credit;
                let reason = catalog::reason_against(artist.set, licence, &about.category);
                ensure!(
                    reason.is_none(),
                    "{} can't be used: {}",
                    artist.set,
                    reason.unwrap_or_default()
                );
                let set = IconSet::new(artist.set, artist.join, about.credit.clone(), file);
                sets.insert(artist.set, (set, about));
            } else if set_name(member) == Some(THINGS) {
                things.extend(file.icons.keys().flat_map(|name| words::words(name)));
            } else {
                brands.extend(file.icons.into_keys());
            }
            Ok(())
        },
    )?;
    brands.retain(|brand| !things.contains(brand));
    let in_order = artists.iter().map(|artist| {
        let missing = || format!("{} has no set {}", iconify.id.name, artist.set);
        sets.remove(artist.set).with_context(missing)
    });
    Ok(EmojiSets { sets: in_order.collect::<Result<_>>()?, brands })
}

/// Parses the file of a set.
pub fn parse(member: &str, json: &[u8]) -> Result<IconFile> {
    serde_json::from_slice(json).with_context(|| format!("{member} is not as expected"))
}
