//! Labelled images that a text file lists.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::LabelledFiles;
use crate::DataError;
use crate::stored::StoredImage;

/// How a text file lists images with their labels.
///
/// Paths are relative to the folder of the data set, which is given when it is opened.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ListOptions {
    /// The list.
    pub file: PathBuf,
    /// How its lines are written.
    pub format: ListFormat,
    /// The field with the image's path: a column's number from 0, its name, or a key.
    pub image: String,
    /// The folder that the images' paths start from.
    #[serde(default)]
    pub folder: PathBuf,
    /// What follows the images' paths, such as `.jpg`.
    #[serde(default)]
    pub ending: String,
    /// Where the label is.
    pub label: Label,
    /// A field and what it must hold for a line to count.
    #[serde(default)]
    pub only: Option<(String, String)>,
    /// The folder that the paths of videos start from, where the list is of videos.
    #[serde(default)]
    pub videos: Option<PathBuf>,
}

/// How the lines of a list are written.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ListFormat {
    /// Words, of which the last of so many takes the rest of the line. Lines that start with `#` are
    /// left out.
    Words(usize),
    /// Fields between these characters, named in the first line.
    Table(char),
    /// A JSON object.
    Json,
}

/// Where the label of a listed image is.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Label {
    /// A number in this field, and the number of the first class.
    Number(String, usize),
    /// A name in this field, which is a line of this file, or the line's last word.
    Name(String, PathBuf),
    /// The image's folder, which is a line of this file, or the line's last word.
    Folder(PathBuf),
    /// The image's folder, of all those in the list, sorted.
    SortedFolder,
}

impl LabelledFiles {
    /// The images that a list in `folder` names.
    ///
    /// # Errors
    ///
    /// When the list or a file of names is missing, a line has no such field or label, or an image is
    /// not there.
    pub fn listed(
        folder: impl AsRef<Path>,
        options: &ListOptions,
        class_names: Vec<String>,
    ) -> Result<Self, DataError> {
        let folder = folder.as_ref();
        let stored = options.entries(folder, class_names.len())?.into_iter();
        let stored = stored.map(|(line, image, label)| {
            let path = folder.join(&options.folder).join(format!("{image}{}", options.ending));
            match path.is_file() {
                true => Ok((StoredImage::of_file(path), label)),
                false => {
                    let reason = format!("line {line}: there is no {}", path.display());
                    Err(DataError::layout(folder.join(&options.file), reason))
                }
            }
        });
        Ok(Self::new(stored.collect::<Result<_, _>>()?, class_names))
    }
}

impl ListOptions {
    /// Of each line that counts, of which there is one at least, its number, what it names and the
    /// label.
    pub(super) fn entries(
        &self,
        folder: &Path,
        classes: usize,
    ) -> Result<Vec<(usize, String, usize)>, DataError> {
        let list = folder.join(&self.file);
        let lines = lines(&list, self.format)?;
        let wrong = |line: usize, reason: String| {
            DataError::layout(&list, format!("line {line}: {reason}"))
        };
        let missing = |line: usize, field: &str| wrong(line, format!("it has no field `{field}`"));
        let mut named = Vec::new();
        for (line, fields) in &lines {
            let field = |name: &str| fields.get(name).ok_or_else(|| missing(*line, name));
            if let Some((name, wanted)) = &self.only
                && field(name)? != wanted
            {
                continue;
            }
            let image = field(&self.image)?;
            let label = match &self.label {
                Label::Number(name, _) | Label::Name(name, _) => field(name)?.clone(),
                Label::Folder(_) | Label::SortedFolder => folder_of(image),
            };
            named.push((*line, image, label));
        }
        if named.is_empty() {
            return Err(DataError::layout(list, "it lists no images"));
        }
        let labels = Labels::of(folder, &self.label, named.iter().map(|named| &named.2))?;
        let entries = named.into_iter().map(|(line, image, name)| {
            let label = labels.get(&name).filter(|label| *label < classes);
            let label = label
                .ok_or_else(|| wrong(line, format!("`{name}` is none of the {classes} classes")))?;
            // A path may start at the root of the data set.
            Ok((line, image.trim_start_matches('/').to_owned(), label))
        });
        entries.collect()
    }
}

fn folder_of(image: &str) -> String {
    image.rsplit_once('/').map_or(String::new(), |(folder, _)| folder.to_owned())
}

/// What labels stand for.
enum Labels {
    /// Numbers, and the number of the first class.
    Numbers(usize),
    Names(HashMap<String, usize>),
}

impl Labels {
    fn of<'a>(
        folder: &Path,
        label: &Label,
        labels: impl Iterator<Item = &'a String>,
    ) -> Result<Self, DataError> {
        let numbered = |names: Vec<String>| Self::Names(names.into_iter().zip(0..).collect());
        Ok(match label {
            Label::Number(_, first) => Self::Numbers(*first),
            Label::SortedFolder => {
                let mut names: Vec<String> = labels.cloned().collect();
                names.sort();
                names.dedup();
                numbered(names)
            }
            Label::Name(_, file) | Label::Folder(file) => {
                let file = folder.join(file);
                let text =
                    fs::read_to_string(&file).map_err(|source| DataError::io(file, source))?;
                let lines: Vec<String> = text.lines().map(|line| line.trim().to_owned()).collect();
                let last = |line: &String| line.rsplit(' ').next().unwrap_or_default().to_owned();
                let mut names: HashMap<String, usize> = lines.iter().map(last).zip(0..).collect();
                names.extend(lines.into_iter().zip(0..));
                Self::Names(names)
            }
        })
    }

    fn get(&self, name: &str) -> Option<usize> {
        match self {
            Self::Numbers(first) => name.parse::<usize>().ok()?.checked_sub(*first),
            Self::Names(names) => names.get(name).copied(),
        }
    }
}

/// The lines' numbers from 1 and their fields.
type Lines = Vec<(usize, HashMap<String, String>)>;

fn lines(path: &Path, format: ListFormat) -> Result<Lines, DataError> {
    let text = fs::read_to_string(path).map_err(|source| DataError::io(path, source))?;
    let wrong =
        |line: usize, error: String| DataError::layout(path, format!("line {line}: {error}"));
    if let ListFormat::Table(delimiter) = format {
        let mut table = csv::ReaderBuilder::new()
            .delimiter(u8::try_from(delimiter).unwrap_or(b','))
            .from_reader(text.as_bytes());
        let rows = table.deserialize().zip(2..);
        return rows
            .map(|(row, line)| Ok((line, row.map_err(|e| wrong(line, e.to_string()))?)))
            .collect();
    }
    let lines = text.lines().zip(1..).filter(|(text, _)| !text.trim().is_empty());
    match format {
        ListFormat::Json => {
            lines.map(|(text, line)| Ok((line, json(text).map_err(|e| wrong(line, e))?))).collect()
        }
        ListFormat::Words(count) => Ok(lines
            .filter(|(text, _)| !text.starts_with('#'))
            .map(|(text, line)| (line, words(text, count)))
            .collect()),
        ListFormat::Table(_) => Ok(Vec::new()),
    }
}

fn words(text: &str, count: usize) -> HashMap<String, String> {
    let (mut rest, mut words) = (text.trim(), HashMap::new());
    for number in 0..count {
        let (word, after) = match rest.split_once([' ', '\t']) {
            Some((word, after)) if number + 1 < count => (word, after.trim_start()),
            _ => (rest, ""),
        };
        if !word.is_empty() {
            words.insert(number.to_string(), word.to_owned());
        }
        rest = after;
    }
    words
}

/// Fields whose values are texts or numbers.
fn json(text: &str) -> Result<HashMap<String, String>, String> {
    let fields: serde_json::Map<String, serde_json::Value> =
        serde_json::from_str(text).map_err(|error| error.to_string())?;
    let text = |value: serde_json::Value| match value {
        serde_json::Value::String(text) => text,
        value => value.to_string(),
    };
    Ok(fields.into_iter().map(|(name, value)| (name, text(value))).collect())
}

#[cfg(test)]
mod tests;
