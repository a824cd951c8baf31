//! What a source is, by its path.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::entry::{Content, Entry};
use super::{KeyRule, PackOptions, folder, lines, table};
use crate::write::folder_of;
use crate::{Cause, DataError, Fault};

/// Entries of a source. An error of one entry is [`DataError::Sample`]; any other ends the source.
pub(super) type Entries = Box<dyn Iterator<Item = Result<Entry, DataError>>>;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Folder,
    Table,
    Lines,
    #[cfg(feature = "parquet")]
    Parquet,
}

/// Tells a source by its path.
pub(super) fn kind(path: &Path) -> Result<Kind, DataError> {
    let found = path.metadata().map_err(|source| DataError::io(path, source))?;
    let extension = path.extension().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
    match extension.as_str() {
        _ if found.is_dir() => Ok(Kind::Folder),
        "csv" | "tsv" => Ok(Kind::Table),
        "jsonl" | "ndjson" => Ok(Kind::Lines),
        #[cfg(feature = "parquet")]
        "parquet" => Ok(Kind::Parquet),
        #[cfg(not(feature = "parquet"))]
        "parquet" => {
            let reason = "this build reads no parquet files: build with the feature `parquet`";
            Err(DataError::layout(path, reason))
        }
        _ => {
            let reason = "it is neither a folder nor a .csv, .tsv, .jsonl or .parquet file";
            Err(DataError::layout(path, reason))
        }
    }
}

impl Kind {
    pub(super) fn usual_keys(self) -> KeyRule {
        if self == Self::Folder { KeyRule::Name } else { KeyRule::Number }
    }

    pub(super) fn entries(self, path: &Path, options: &PackOptions) -> Result<Entries, DataError> {
        let rows = || Rows {
            place: path.to_string_lossy().into(),
            root: options.root.clone().unwrap_or_else(|| folder_of(path).to_owned()),
        };
        match self {
            Self::Folder => Ok(Box::new(folder::entries(path))),
            Self::Table => Ok(Box::new(table::Table::open(path, rows(), options)?)),
            Self::Lines => Ok(Box::new(lines::Lines::open(path, rows(), options)?)),
            #[cfg(feature = "parquet")]
            Self::Parquet => Ok(Box::new(super::parquet::Pages::open(path, rows(), options)?)),
        }
    }
}

/// Makes entries of a table's rows.
pub(super) struct Rows {
    place: Arc<str>,
    root: PathBuf,
}

impl Rows {
    /// The table, for messages.
    pub(super) fn place(&self) -> &str {
        &self.place
    }

    /// The entry of a row with the path of an image.
    pub(super) fn file(&self, row: u64, image: &str, caption: &str) -> Result<Entry, DataError> {
        let image = image.trim();
        if image.is_empty() {
            return Err(self.fault(row, Cause::NoImage, "it names no image"));
        }
        if image.contains("://") {
            let reason = format!("{image} is no file: download the images first");
            return Err(self.fault(row, Cause::NoImage, reason));
        }
        let content = Content::File(self.root.join(image));
        Ok(self.entry(row, Some(PathBuf::from(image)), content, caption))
    }

    /// The entry of a row with the image itself.
    #[cfg(feature = "parquet")]
    pub(super) fn bytes(&self, row: u64, image: Vec<u8>, caption: &str) -> Entry {
        self.entry(row, None, Content::Bytes(image), caption)
    }

    fn entry(&self, row: u64, path: Option<PathBuf>, image: Content, caption: &str) -> Entry {
        let caption = Content::Bytes(caption.trim().as_bytes().to_vec());
        let (place, texts) = (self.place.clone(), vec![("txt".to_owned(), caption)]);
        Entry { place, name: format!("row {row}"), path, image, texts }
    }

    pub(super) fn fault(&self, row: u64, cause: Cause, reason: impl Into<String>) -> DataError {
        let (shard, key) = (self.place.to_string(), format!("row {row}"));
        DataError::Sample(Fault { cause, shard, key, reason: reason.into() })
    }
}
