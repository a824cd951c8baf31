//! Pairs that aren't in shards, by spec.

use std::path::{Path, PathBuf};
use std::slice;

use serde::{Deserialize, Serialize};

use super::joined::JoinedPairs;
use super::{CsvPairs, FolderPairs, PairSource, SyntheticPairs};
use crate::shards::image_folder;
use crate::{CaptionDraw, CaptionField, DataError, Location, expand_shards};

const TABLE_ENDINGS: [&str; 2] = [".csv", ".tsv"];

/// Tables that a folder of images may hold instead of texts beside the images.
const FOLDER_TABLES: [&str; 2] = ["captions.csv", "captions.tsv"];

const SYNTHETIC: &str = "synthetic:";

/// How pairs are read from tables.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PairOptions {
    /// The column with the images' paths.
    pub csv_img_key: String,
    /// The columns with captions; a row lacking some divides their weights among the others.
    pub csv_caption_keys: Vec<CaptionField>,
    /// The column with what pairs of the same thing share; without one, it is the image's path.
    pub csv_concept_key: Option<String>,
    /// What separates the columns; without it, a tab in `.tsv` files and a comma in others.
    pub csv_separator: Option<char>,
    /// Whether a cell in `"` may hold separators and line breaks; otherwise quotes are plain
    /// characters.
    pub csv_quotes: bool,
}

impl Default for PairOptions {
    fn default() -> Self {
        Self {
            csv_img_key: "filepath".to_owned(),
            csv_caption_keys: vec![CaptionField::new("title")],
            csv_concept_key: None,
            csv_separator: None,
            csv_quotes: true,
        }
    }
}

impl PairOptions {
    /// Says what is wrong with the settings, if anything.
    pub fn problem(&self) -> Option<String> {
        let separator = self.csv_separator.unwrap_or(',');
        if !separator.is_ascii() || ['"', '\n', '\r'].contains(&separator) {
            return Some(format!(
                "csv_separator is {separator:?}: use a comma, a tab or another ASCII character"
            ));
        }
        if self.csv_img_key.is_empty() || self.csv_concept_key.as_deref() == Some("") {
            return Some("csv_img_key or csv_concept_key is empty: name a column".to_owned());
        }
        if self.csv_caption_keys.is_empty() {
            return Some("csv_caption_keys is empty: name a column".to_owned());
        }
        CaptionField::problem(&self.csv_caption_keys)
    }
}

/// What a spec stands for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Table,
    Folder,
    Synthetic,
    Shards,
}

impl Kind {
    fn of(spec: &String) -> Self {
        if spec.starts_with(SYNTHETIC) {
            Self::Synthetic
        } else if is_table(spec) {
            Self::Table
        } else if image_folder(slice::from_ref(spec)).is_some() {
            Self::Folder
        } else {
            Self::Shards
        }
    }
}

/// The pairs that the specs stand for, one after the other; `None` when they stand for shards.
///
/// A spec is a `.csv` or `.tsv` file (or several: globs, braces and `::` as in [`expand_shards`]); a
/// folder without shards, whose images have their texts beside them or are listed in its
/// `captions.csv` or `captions.tsv`; or `synthetic:N`, `synthetic:NxWIDTHxHEIGHT`, perhaps with
/// `:jpeg` after it, for [`SyntheticPairs`].
///
/// # Errors
///
/// When some specs stand for shards and others don't, or as the sources that they stand for.
pub fn open_pairs(
    specs: &[String],
    options: &PairOptions,
    captions: &CaptionDraw,
) -> Result<Option<Box<dyn PairSource>>, DataError> {
    let kinds: Vec<Kind> = specs.iter().map(Kind::of).collect();
    if kinds.iter().all(|kind| *kind == Kind::Shards) {
        return Ok(None);
    }
    let mut sources: Vec<Box<dyn PairSource>> = Vec::new();
    for (spec, kind) in specs.iter().zip(kinds) {
        match kind {
            Kind::Table => {
                for table in tables(spec)? {
                    sources.push(Box::new(CsvPairs::open(table, options, &captions.filter)?));
                }
            }
            Kind::Folder => sources.push(open_folder(Path::new(spec), options, captions)?),
            Kind::Synthetic => {
                sources.push(Box::new(SyntheticPairs::parse(&spec[SYNTHETIC.len()..])?));
            }
            Kind::Shards => {
                let reason = "it stands for shards, others don't: train on either";
                return Err(bad_spec(spec, reason));
            }
        }
    }
    let only = if sources.len() == 1 { sources.pop() } else { None };
    Ok(Some(only.unwrap_or_else(|| Box::new(JoinedPairs::new(sources)))))
}

fn open_folder(
    folder: &Path,
    options: &PairOptions,
    captions: &CaptionDraw,
) -> Result<Box<dyn PairSource>, DataError> {
    let mut tables = FOLDER_TABLES.map(|name| folder.join(name)).into_iter();
    match tables.find(|table| table.is_file()) {
        Some(table) => Ok(Box::new(CsvPairs::open(table, options, &captions.filter)?)),
        None => Ok(Box::new(FolderPairs::open(folder, captions)?)),
    }
}

/// The files that a spec of tables stands for.
fn tables(spec: &String) -> Result<Vec<PathBuf>, DataError> {
    let table = |location: Location| match location {
        Location::File(path) if is_table(&path.to_string_lossy()) => Ok(path),
        other => {
            let reason = format!("`{other}` is no .csv or .tsv file: get tables as files first");
            Err(bad_spec(spec, reason))
        }
    };
    expand_shards(slice::from_ref(spec))?.into_iter().map(table).collect()
}

fn is_table(spec: &str) -> bool {
    let spec = spec.to_ascii_lowercase();
    TABLE_ENDINGS.iter().any(|ending| spec.ends_with(ending))
}

fn bad_spec(spec: &str, reason: impl Into<String>) -> DataError {
    DataError::BadSpec { spec: spec.to_owned(), reason: reason.into() }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::testing::{picture, png};

    fn open(specs: &[&str]) -> Result<Option<Box<dyn PairSource>>, DataError> {
        let specs: Vec<String> = specs.iter().map(|spec| spec.to_string()).collect();
        open_pairs(&specs, &PairOptions::default(), &CaptionDraw::default())
    }

    fn captions(pairs: &dyn PairSource) -> Vec<String> {
        let caption = |index| pairs.get(index).unwrap().captions.main().to_owned();
        (0..pairs.len()).map(caption).collect()
    }

    #[test]
    fn each_kind_of_source_is_recognised() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().to_str().unwrap();
        fs::write(folder.path().join("0.png"), png(&picture(0))).unwrap();
        fs::write(folder.path().join("0.txt"), "beside").unwrap();
        let found = |specs: &[&str]| captions(&*open(specs).unwrap().unwrap());
        assert_eq!(found(&[root]), ["beside"]);
        for number in 0..2 {
            let table = format!("filepath,title\n0.png,table {number}\n");
            fs::write(folder.path().join(format!("{number}.csv")), table).unwrap();
        }
        let tables = format!("{root}/{{0..1}}.csv");
        assert_eq!(found(&[&tables]), ["table 0", "table 1"]);
        assert_eq!(found(&[root, &tables]), ["beside", "table 0", "table 1"]);
        fs::write(folder.path().join("captions.tsv"), "filepath\ttitle\n0.png\tlisted\n").unwrap();
        assert_eq!(found(&[root]), ["listed"]);
        assert_eq!(open(&["synthetic:7"]).unwrap().unwrap().len(), 7);
        fs::write(folder.path().join("a.tar"), "").unwrap();
        for shards in [&[root][..], &["nowhere"], &["https://host/a.tar"], &[]] {
            assert!(open(shards).unwrap().is_none());
        }
    }

    #[test]
    fn specs_that_make_no_source_are_explained() {
        for (specs, part) in [
            (&["synthetic:7", "a.tar"][..], "`a.tar`: it stands for shards"),
            (&["https://host/a.csv"], "get tables as files first"),
            (&["nowhere.csv"], "no shard matches `nowhere.csv`"),
            (&["synthetic:many"], "synthetic:many"),
        ] {
            let message = open(specs).err().unwrap().to_string();
            assert!(message.contains(part), "{message}");
        }
    }

    #[test]
    fn impossible_options_are_explained() {
        for (json, part) in [
            (r#"{"csv_separator": "\""}"#, "csv_separator"),
            (r#"{"csv_img_key": ""}"#, "csv_img_key"),
            (r#"{"csv_caption_keys": []}"#, "csv_caption_keys"),
            (r#"{"csv_caption_keys": [{"field": "a", "weight": 0}]}"#, "weight 0"),
        ] {
            let options: PairOptions = serde_json::from_str(json).unwrap();
            let message = options.problem().unwrap();
            assert!(message.contains(part), "{message}");
        }
        assert!(serde_json::from_str::<PairOptions>(r#"{"csv_sep": ","}"#).is_err());
        assert_eq!(PairOptions::default().problem(), None);
    }
}
