//! Which icons of a set show which concepts.

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};

use super::concept::Concepts;
use super::corrections::{self, Corrections};
use super::iconset::IconSet;
use super::names::{NameIndex, without_number};

/// How the icons of a set are tied to Unicode code points.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Join {
    /// The package maps code points to icons (`chars.json`).
    CodePoint,
    /// Only the icons' names say what they show.
    Name,
    /// As `Name`, and `cat-1`, `cat-2` are several drawings of one concept.
    NumberedName,
}

/// Icon names by concept identifier.
pub type Joined = BTreeMap<String, Vec<String>>;

/// Ties a set's icons to concepts; icons that show something else are left out.
pub fn join(set: &IconSet, concepts: &Concepts, index: &NameIndex) -> Result<Joined> {
    let mut joined = match set.join {
        Join::CodePoint => by_code_point(set),
        Join::Name | Join::NumberedName => {
            let corrections = corrections::of_set(set.name)?;
            check(&corrections, set, concepts)
                .with_context(|| format!("in the corrections for {}", set.name))?;
            by_name(set, index, &corrections)
        }
    };
    joined.retain(|id, _| concepts.contains_key(id));
    Ok(joined)
}

fn by_code_point(set: &IconSet) -> Joined {
    set.code_points().map(|(id, icon)| (id, vec![icon.to_owned()])).collect()
}

/// A correction for an icon or to a concept that is gone would silently do nothing.
fn check(corrections: &Corrections, set: &IconSet, concepts: &Concepts) -> Result<()> {
    let names = set.names();
    for (icon, id) in corrections {
        ensure!(names.contains_key(icon.as_str()), "the set has no icon {icon}");
        let known = id.as_ref().is_none_or(|id| concepts.contains_key(id));
        ensure!(known, "{icon} is said to show {id:?}, which is no concept");
    }
    Ok(())
}

/// Joins by correction, else by name. Of several icons for a concept, one stays, that whose
/// match is the most trusted, unless the set numbers its drawings.
fn by_name(set: &IconSet, index: &NameIndex, corrections: &Corrections) -> Joined {
    let mut ranked: BTreeMap<String, Vec<(usize, &str)>> = BTreeMap::new();
    for (icon, others) in set.names() {
        let found = match corrections.get(icon) {
            Some(id) => id.as_deref().map(|id| (0, id)),
            None => find(icon, &others, set.join, index),
        };
        if let Some((doubt, id)) = found {
            ranked.entry(id.to_owned()).or_default().push((doubt, icon));
        }
    }
    let most = if set.join == Join::NumberedName { usize::MAX } else { 1 };
    let keep = |mut icons: Vec<(usize, &str)>| {
        icons.sort_unstable();
        icons.into_iter().take(most).map(|(_, icon)| icon.to_owned()).collect()
    };
    ranked.into_iter().map(|(id, icons)| (id, keep(icons))).collect()
}

/// The concept an icon's names stand for, with the doubt about it: 1 or more, less is better.
fn find<'a>(
    icon: &str,
    others: &[&str],
    join: Join,
    index: &'a NameIndex,
) -> Option<(usize, &'a str)> {
    let stem = if join == Join::NumberedName { without_number(icon) } else { icon };
    let names = [icon, stem].into_iter().chain(others.iter().copied());
    let matches = names.filter_map(|name| index.find(name));
    matches.map(|(depth, id)| (depth + 1, id)).min_by_key(|(doubt, _)| *doubt)
}
