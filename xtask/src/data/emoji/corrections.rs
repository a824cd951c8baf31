//! What the eye saw and the names do not say.

use std::collections::BTreeMap;

use anyhow::{Context, Result};

/// Concepts of icons whose names mislead, by set and icon; `null` where an icon shows no
/// concept or is damaged. Found by looking at every drawing of the sets that are in the table.
const TABLE: &str = include_str!("../sample/corrections.json");

/// The corrections of one set: icon name to concept identifier, if it shows one.
pub type Corrections = BTreeMap<String, Option<String>>;

/// The corrections of the set `name`; most sets need none.
pub fn of_set(name: &str) -> Result<Corrections> {
    let mut table: BTreeMap<String, Corrections> =
        serde_json::from_str(TABLE).context("corrections.json is not as expected")?;
    Ok(table.remove(name).unwrap_or_default())
}
