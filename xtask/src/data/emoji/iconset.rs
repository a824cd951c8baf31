//! Iconify icon sets: SVG fragments with names, and for some sets code points.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use serde::Deserialize;

use super::concept::concept_id;
use super::join::Join;

/// A set of drawings by one artist.
#[derive(Debug)]
pub struct IconSet {
    /// Name of the set.
    pub name: &'static str,
    /// How its icons are tied to code points.
    pub join: Join,
    /// Who made it, from which project, under which licence.
    pub credit: Credit,
    file: IconFile,
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
    /// Some authors give none.
    #[serde(default)]
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

/// One drawing.
#[derive(Debug, Deserialize)]
pub struct Icon {
    /// What stands between `<svg>` and `</svg>`.
    pub body: String,
    /// Withdrawn by the set; kept by it only for old users.
    #[serde(default)]
    pub hidden: bool,
    #[serde(flatten)]
    view_box: ViewBox,
}

/// Iconify's file of one set, as far as it is used.
#[derive(Debug, Deserialize)]
pub struct IconFile {
    /// Icons by name.
    pub icons: BTreeMap<String, Icon>,
    /// Other names of icons, and icons turned or mirrored.
    #[serde(default)]
    aliases: BTreeMap<String, Alias>,
    /// Code point sequence to icon, for some sets.
    #[serde(default)]
    pub chars: BTreeMap<String, String>,
    /// Names of icons by category.
    #[serde(default)]
    pub categories: BTreeMap<String, Vec<String>>,
    /// Ends of names that say a style, with its title; the empty end is for all other names.
    #[serde(default)]
    pub suffixes: BTreeMap<String, String>,
    /// Beginnings of names that say a style, with its title.
    #[serde(default)]
    pub prefixes: BTreeMap<String, String>,
    #[serde(flatten)]
    view_box: ViewBox,
}

/// Another name of an icon, or the icon turned or mirrored.
#[derive(Debug, Deserialize)]
struct Alias {
    parent: String,
    #[serde(flatten)]
    changes: BTreeMap<String, serde_json::Value>,
}

/// Size Iconify assumes where a set gives none.
const DEFAULT_SIDE: f32 = 16.0;

impl IconFile {
    /// Names of the icons the set still shows, each with the other names it goes by.
    pub fn names(&self) -> BTreeMap<&str, Vec<&str>> {
        let shown = self.icons.iter().filter(|(_, icon)| !icon.hidden);
        let mut names: BTreeMap<&str, Vec<&str>> =
            shown.map(|(name, _)| (name.as_str(), Vec::new())).collect();
        for (name, alias) in &self.aliases {
            // An alias that turns or mirrors its icon is another drawing, not another name.
            if alias.changes.is_empty()
                && let Some(others) = names.get_mut(alias.parent.as_str())
            {
                others.push(name);
            }
        }
        names
    }

    /// An icon as a complete SVG document, black where it takes its reader's colour.
    pub fn svg(&self, name: &str) -> Option<String> {
        self.icons.get(name).map(|icon| document(icon, self.view_box))
    }
}

impl IconSet {
    /// A set of drawings from its file.
    pub fn new(name: &'static str, join: Join, credit: Credit, file: IconFile) -> Self {
        Self { name, join, credit, file }
    }

    /// Names of the icons the set still shows, each with the other names it goes by.
    pub fn names(&self) -> BTreeMap<&str, Vec<&str>> {
        self.file.names()
    }

    /// Concept identifiers with the names of their icons, for a set joined by code point.
    pub fn code_points(&self) -> impl Iterator<Item = (String, &str)> {
        self.file.chars.iter().map(|(code, icon)| (concept_id(code), icon.as_str()))
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
        self.file.svg(name).with_context(|| format!("{} has no icon {name}", self.name))
    }
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
