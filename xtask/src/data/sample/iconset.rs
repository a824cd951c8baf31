//! Iconify icon sets: SVG fragments with names, and for some sets code points.

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

use super::catalog::{Artist, IMAGE_LICENCES, Join};
use super::concept::concept_id;
use super::package::Package;

/// A set of drawings by one artist.
#[derive(Debug)]
pub struct IconSet {
    /// Its place in the corpus.
    pub artist: Artist,
    /// Who made it, from which project, under which licence.
    pub credit: Credit,
    icons: BTreeMap<String, Icon>,
    /// Other names of icons: name to icon.
    aliases: BTreeMap<String, String>,
    /// Code point sequence to icon; empty unless joined by code point.
    chars: BTreeMap<String, String>,
    view_box: ViewBox,
}

/// What a notice must say about a set.
#[derive(Clone, Debug, Deserialize)]
#[serde(from = "Info")]
pub struct Credit {
    /// The author's name.
    pub author: String,
    /// Address of the author's project.
    pub project: String,
    /// SPDX licence.
    pub licence: String,
}

#[derive(Deserialize)]
struct Info {
    author: Author,
    license: License,
}

#[derive(Deserialize)]
struct Author {
    name: String,
    url: String,
}

#[derive(Deserialize)]
struct License {
    spdx: String,
}

impl From<Info> for Credit {
    fn from(info: Info) -> Self {
        Self { author: info.author.name, project: info.author.url, licence: info.license.spdx }
    }
}

/// The rectangle of the drawing plane that an icon shows, in its own units.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
struct ViewBox {
    left: Option<f32>,
    top: Option<f32>,
    width: Option<f32>,
    height: Option<f32>,
}

#[derive(Debug, Deserialize)]
struct Icon {
    body: String,
    /// Withdrawn by the set; kept by it only for old users.
    #[serde(default)]
    hidden: bool,
    #[serde(flatten)]
    view_box: ViewBox,
}

#[derive(Deserialize)]
struct IconFile {
    icons: BTreeMap<String, Icon>,
    #[serde(default)]
    aliases: BTreeMap<String, Alias>,
    #[serde(flatten)]
    view_box: ViewBox,
}

/// Another name of an icon, or the icon turned or mirrored.
#[derive(Deserialize)]
struct Alias {
    parent: String,
    #[serde(flatten)]
    changes: BTreeMap<String, serde_json::Value>,
}

/// Size Iconify assumes where a set gives none.
const DEFAULT_SIDE: f32 = 16.0;

impl IconSet {
    /// Reads an artist's set, and refuses it if its licence is not a permissive one.
    pub fn read(artist: Artist, package: &Package) -> Result<Self> {
        let credit: Credit = package.json("info.json")?;
        check_licence(artist.name, &credit.licence)?;
        let file: IconFile = package.json("icons.json")?;
        let chars = match artist.join {
            Join::CodePoint => package.json("chars.json")?,
            Join::Name | Join::NumberedName => BTreeMap::new(),
        };
        // An alias that turns or mirrors its icon is another drawing, not another name.
        let aliases = file.aliases.into_iter().filter(|(_, alias)| alias.changes.is_empty());
        Ok(Self {
            artist,
            credit,
            icons: file.icons,
            aliases: aliases.map(|(name, alias)| (name, alias.parent)).collect(),
            chars,
            view_box: file.view_box,
        })
    }

    /// Names of the icons the set still shows, each with the other names it goes by.
    pub fn names(&self) -> BTreeMap<&str, Vec<&str>> {
        let shown = self.icons.iter().filter(|(_, icon)| !icon.hidden);
        let mut names: BTreeMap<&str, Vec<&str>> =
            shown.map(|(name, _)| (name.as_str(), Vec::new())).collect();
        for (alias, parent) in &self.aliases {
            if let Some(others) = names.get_mut(parent.as_str()) {
                others.push(alias);
            }
        }
        names
    }

    /// Concept identifiers with the names of their icons, for a set joined by code point.
    pub fn code_points(&self) -> impl Iterator<Item = (String, &str)> {
        self.chars.iter().map(|(code, icon)| (concept_id(code), icon.as_str()))
    }

    /// Every name of every icon that has a code point, with its concept identifier.
    pub fn names_of_code_points(&self) -> Vec<(String, String)> {
        let names = self.names();
        let mut pairs = Vec::new();
        for (id, icon) in self.code_points() {
            let others = names.get(icon).into_iter().flatten();
            for name in others.chain([&icon]) {
                pairs.push(((*name).to_owned(), id.clone()));
            }
        }
        pairs
    }

    /// An icon as a complete SVG document, black where it takes its reader's colour.
    pub fn svg(&self, name: &str) -> Result<String> {
        let icon = self
            .icons
            .get(name)
            .with_context(|| format!("{} has no icon {name}", self.artist.name))?;
        Ok(document(icon, self.view_box))
    }
}

fn check_licence(set: &str, licence: &str) -> Result<()> {
    ensure!(
        IMAGE_LICENCES.contains(&licence),
        "the drawings of {set} are under {licence} and cannot ship with this repository \
         (only {}); take the set out of the catalogue",
        IMAGE_LICENCES.join(", "),
    );
    Ok(())
}

fn document(icon: &Icon, set: ViewBox) -> String {
    let own = icon.view_box;
    let left = own.left.or(set.left).unwrap_or(0.0);
    let top = own.top.or(set.top).unwrap_or(0.0);
    let width = own.width.or(set.width).unwrap_or(DEFAULT_SIDE);
    let height = own.height.or(set.height).unwrap_or(DEFAULT_SIDE);
    let body = icon.body.replace("currentColor", "#000");
    format!(
        r#"<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" width="{width}" height="{height}" viewBox="{left} {top} {width} {height}">{body}</svg>"#
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn share_alike_and_non_commercial_sets_are_refused() {
        for licence in ["CC-BY-SA-4.0", "CC-BY-NC-4.0", "GPL-3.0"] {
            let refusal = check_licence("openmoji", licence).err().map(|error| error.to_string());
            assert!(refusal.is_some_and(|text| text.contains(licence)));
        }
        assert!(check_licence("noto", "Apache-2.0").is_ok());
    }

    #[test]
    fn an_icon_overrides_the_size_of_its_set() -> Result<()> {
        let icon: Icon =
            serde_json::from_str(r#"{"body": "<g fill='currentColor'/>", "height": 33}"#)?;
        let set: ViewBox = serde_json::from_str(r#"{"width": 32, "height": 32, "top": -1}"#)?;
        let svg = document(&icon, set);
        assert!(svg.contains(r#"viewBox="0 -1 32 33""#), "{svg}");
        assert!(svg.contains("<g fill='#000'/>"), "{svg}");
        Ok(())
    }
}
