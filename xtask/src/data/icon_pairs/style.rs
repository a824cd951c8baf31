//! Styles in icon names: `home-outline` is `home`, drawn as an outline.

use std::collections::BTreeSet;

use crate::data::emoji::IconFile;

use crate::data::words;

/// Endings that say a style in any set.
const ALWAYS: [&str; 7] =
    ["outline", "outlined", "filled", "duotone", "twotone", "two-tone", "rounded"];

/// Endings that say a style if the name without them is an icon's too, or if many names of the set
/// have them: `bold` is a style of `home-bold`, and `text-bold` is not `text`.
const SOMETIMES: [&str; 16] = [
    "alt", "bold", "broken", "duo", "fill", "flat", "light", "line", "linear", "o", "regular",
    "round", "sharp", "solid", "stroke", "thin",
];

/// An ending says a style if one name in this many has it...
const MANY: usize = 10;
/// ...and no fewer than this.
const FEWEST: usize = 20;

/// What styles have in common to the eye. Of the styles of one look, one is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Look {
    /// Nothing is said.
    Plain,
    /// Lines, whatever their width and corners.
    Line,
    /// Filled shapes.
    Filled,
    /// Two shades.
    TwoTone,
}

/// A name taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Styled<'a> {
    /// The name without its style.
    pub base: &'a str,
    /// Words for the style, if the name says one.
    pub style: Vec<String>,
    /// What the style looks like.
    pub look: Look,
}

/// How the names of a set say styles.
pub struct Styles<'a> {
    names: BTreeSet<&'a str>,
    /// Declared endings with their titles, the longest first.
    suffixes: Vec<(&'a str, &'a str)>,
    prefixes: Vec<(&'a str, &'a str)>,
    /// Those of [`SOMETIMES`] that many names have.
    frequent: Vec<&'static str>,
    /// Title of names with none of the endings.
    plain: &'a str,
}

impl<'a> Styles<'a> {
    /// What a set declares.
    pub fn of(file: &'a IconFile) -> Self {
        let longest_first = |declared: &'a std::collections::BTreeMap<String, String>| {
            let pairs = declared.iter().map(|(end, title)| (end.as_str(), title.as_str()));
            let mut pairs: Vec<_> = pairs.filter(|(end, _)| !end.is_empty()).collect();
            pairs.sort_by_key(|(end, _)| std::cmp::Reverse(end.len()));
            pairs
        };
        let ends_in = |end: &&str| {
            let names = file.icons.keys();
            names
                .filter(|name| name.strip_suffix(*end).is_some_and(|base| base.ends_with('-')))
                .count()
        };
        let many = (file.icons.len() / MANY).max(FEWEST);
        Self {
            frequent: SOMETIMES.into_iter().filter(|end| ends_in(end) >= many).collect(),
            names: file.icons.keys().map(String::as_str).collect(),
            suffixes: longest_first(&file.suffixes),
            prefixes: longest_first(&file.prefixes),
            plain: file.suffixes.get("").map_or("", String::as_str),
        }
    }

    /// Takes a name apart. A name is never taken off whole.
    pub fn split<'b>(&self, name: &'b str) -> Styled<'b> {
        let mut base = name;
        let mut titles = Vec::new();
        while let Some((shorter, title)) = self.take_off(base) {
            base = shorter;
            titles.push(title);
        }
        if titles.is_empty() && !self.plain.is_empty() {
            titles.push(self.plain.to_owned());
        }
        titles.reverse();
        let style: Vec<String> = words::category(&titles.join("-"))
            .split(' ')
            .map(str::to_owned)
            .filter(|word| {
                !NO_STYLE.contains(&word.as_str()) && words::speak(std::slice::from_ref(word))
            })
            .collect();
        let look = look(&style);
        Styled { base, style, look }
    }

    fn take_off<'b>(&self, name: &'b str) -> Option<(&'b str, String)> {
        let ends =
            |end: &str| name.strip_suffix(end)?.strip_suffix('-').filter(|base| !base.is_empty());
        let begins = |start: &str| {
            name.strip_prefix(start)?.strip_prefix('-').filter(|base| !base.is_empty())
        };
        let declared_end = self.suffixes.iter().find_map(|(end, title)| Some((ends(end)?, *title)));
        let declared = declared_end.or_else(|| {
            self.prefixes.iter().find_map(|(start, title)| Some((begins(start)?, *title)))
        });
        let known = declared.or_else(|| {
            ALWAYS.iter().find_map(|end| Some((ends(end)?, *end))).or_else(|| {
                let beside = |end: &&'static str| {
                    let said =
                        |base: &&str| self.frequent.contains(end) || self.names.contains(base);
                    ends(end).filter(said).map(|base| (base, *end))
                };
                SOMETIMES.iter().find_map(beside)
            })
        });
        known.map(|(base, title)| (base, title.to_owned()))
    }
}

/// Words of titles that say nothing about how an icon looks.
const NO_STYLE: [&str; 8] = ["regular", "basic", "alt", "o", "1x1", "4x3", "24px", "20x20"];

fn look(style: &[String]) -> Look {
    let says = |words: &[&str]| style.iter().any(|word| words.contains(&word.as_str()));
    if says(&["duotone", "twotone", "tone", "duo"]) {
        Look::TwoTone
    } else if says(&["outline", "outlined", "line", "linear", "stroke", "broken", "thin", "light"])
    {
        Look::Line
    } else if says(&["filled", "fill", "solid", "bold"]) {
        Look::Filled
    } else {
        Look::Plain
    }
}

#[cfg(test)]
mod tests {
    use anyhow::Result;

    use super::*;

    fn file(names: &[&str], declared: &str) -> Result<IconFile> {
        let icons: Vec<String> =
            names.iter().map(|name| format!(r#""{name}": {{"body": ""}}"#)).collect();
        let json = format!(r#"{{"icons": {{{}}} {declared}}}"#, icons.join(","));
        Ok(serde_json::from_str(&json)?)
    }

    #[test]
    fn declared_endings_are_taken_off_the_longest_first() -> Result<()> {
        let file = file(
            &["home", "home-20-filled"],
            r#", "suffixes": {"": "Outline", "filled": "Filled", "20-filled": "20 Filled"}"#,
        )?;
        let styles = Styles::of(&file);
        let filled = styles.split("home-20-filled");
        assert_eq!((filled.base, filled.look), ("home", Look::Filled));
        assert_eq!(filled.style, ["filled"]);
        let plain = styles.split("home");
        assert_eq!((plain.base, plain.look), ("home", Look::Line));
        assert_eq!(plain.style, ["outline"]);
        Ok(())
    }

    #[test]
    fn declared_beginnings_are_taken_off() -> Result<()> {
        let file = file(&[], r#", "prefixes": {"twotone": "Two-Tone", "round": "Round"}"#)?;
        let styles = Styles::of(&file);
        let split = styles.split("twotone-home");
        assert_eq!((split.base, split.look), ("home", Look::TwoTone));
        assert_eq!(styles.split("round").base, "round");
        Ok(())
    }

    #[test]
    fn an_ambiguous_ending_is_a_style_only_beside_the_plain_icon() -> Result<()> {
        let file = file(&["home", "home-bold", "text-bold"], "")?;
        let styles = Styles::of(&file);
        assert_eq!(styles.split("home-bold").base, "home");
        assert_eq!(styles.split("text-bold").base, "text-bold");
        assert_eq!(styles.split("git-outline").base, "git");
        assert_eq!(styles.split("outline").base, "outline");
        Ok(())
    }

    #[test]
    fn an_ambiguous_ending_is_a_style_where_many_names_have_it() -> Result<()> {
        let names: Vec<String> = (0..FEWEST).map(|number| format!("icon{number}-line")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        assert_eq!(Styles::of(&file(&names, "")?).split("icon7-line").base, "icon7");
        assert_eq!(Styles::of(&file(&names[1..], "")?).split("icon7-line").base, "icon7-line");
        Ok(())
    }

    #[test]
    fn styles_on_top_of_each_other_all_go() -> Result<()> {
        let file = file(&["home"], r#", "suffixes": {"rounded": "Rounded", "": "Regular"}"#)?;
        let styles = Styles::of(&file);
        let split = styles.split("home-outline-rounded");
        assert_eq!((split.base, split.look), ("home", Look::Line));
        assert_eq!(split.style, ["outline", "rounded"]);
        assert_eq!(styles.split("home").style, [""; 0]);
        Ok(())
    }
}
