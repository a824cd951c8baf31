//! Shards from images and captions as people keep them.

mod entry;
mod folder;
mod lines;
#[cfg(feature = "parquet")]
mod parquet;
mod source;
mod table;

#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

use entry::{Entry, reason_to_skip};

use super::FaultTally;
use crate::{DEFAULT_MAX_MEMBER_BYTES, DataError, ShardIndex, ShardWriter};

/// What samples are named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyRule {
    /// By number, in the order they are written: `000000000`. Always possible.
    Number,
    /// After the image's path without its extension, `_` for other dots in the file name. Paths that
    /// lead out of the folder are faults.
    Name,
}

/// How sources are read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PackOptions {
    /// The column of tables, or the field of JSON lines, with the image's path; in parquet files, it
    /// may hold the image itself. A dot leads into a group: `image.bytes`.
    pub image_column: String,
    /// The column or field with the caption.
    pub caption_column: String,
    /// What separates columns; without it, a tab in `.tsv` files and a comma in others.
    pub separator: Option<u8>,
    /// The folder that paths in a table start from; without it, the table's own.
    pub root: Option<PathBuf>,
    /// Names of the samples; without it, folders keep theirs and tables number theirs.
    pub keys: Option<KeyRule>,
    /// The most bytes of an image.
    pub max_image_bytes: u64,
    /// How many images may be unusable before it is an error; without it, any number.
    pub max_bad: Option<u64>,
    /// How many unusable ones are named in the report.
    pub named: usize,
}

impl Default for PackOptions {
    fn default() -> Self {
        Self {
            image_column: "filepath".to_owned(),
            caption_column: "title".to_owned(),
            separator: None,
            root: None,
            keys: None,
            max_image_bytes: DEFAULT_MAX_MEMBER_BYTES,
            max_bad: None,
            named: 10,
        }
    }
}

/// What became of the sources.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PackReport {
    /// Samples written.
    pub written: u64,
    /// Images passed over, and why.
    pub faults: FaultTally,
    /// The shards of the folder; empty until the last is complete.
    pub index: ShardIndex,
}

/// Writes the images of `sources` with their captions to shards, files as they are.
///
/// A source is one of
///
/// - a folder: images in it and in folders below, sorted by path, each `NAME.png` with `NAME.txt`,
///   `NAME.json` or `NAME.cls` beside it; names with a dot at their start are passed over;
/// - a `.csv` or `.tsv` file with a header, a `.jsonl` file, or (with the feature `parquet`) a
///   `.parquet` file: an image and a caption a row.
///
/// Sources are read as a stream: one sample is in memory at a time, a page of a parquet file, and the
/// names in one folder. `watch` sees the report after each image.
///
/// # Errors
///
/// When a source can't be read or lacks a column, a shard can't be written, or there are more
/// unusable images than [`max_bad`](PackOptions::max_bad). The shards that are complete by then stay.
pub fn pack_shards(
    sources: &[PathBuf],
    mut writer: ShardWriter,
    options: &PackOptions,
    watch: &mut dyn FnMut(&PackReport),
) -> Result<PackReport, DataError> {
    let opened: Vec<_> = sources.iter().map(|path| source::kind(path)).collect::<Result<_, _>>()?;
    let mut report = PackReport { faults: FaultTally::new(options.named), ..PackReport::default() };
    let mut number = writer.samples();
    for (path, kind) in sources.iter().zip(opened) {
        let keys = options.keys.unwrap_or(kind.usual_keys());
        for entry in kind.entries(path, options)? {
            let written = entry.and_then(|entry| write(entry, keys, number, &mut writer, options));
            match written {
                Ok(()) => (number, report.written) = (number + 1, report.written + 1),
                Err(error) => {
                    report.faults.add(reason_to_skip(error, path)?);
                    check_limit(path, &report.faults, options.max_bad)?;
                }
            }
            watch(&report);
        }
    }
    report.index = writer.finish()?;
    Ok(report)
}

fn write(
    entry: Entry,
    keys: KeyRule,
    number: u64,
    writer: &mut ShardWriter,
    options: &PackOptions,
) -> Result<(), DataError> {
    let key = match keys {
        KeyRule::Number => format!("{number:09}"),
        KeyRule::Name => entry.key(),
    };
    let sample = entry.into_sample(key, options.max_image_bytes).map_err(DataError::Sample)?;
    writer.write(&sample)
}

fn check_limit(source: &Path, faults: &FaultTally, limit: Option<u64>) -> Result<(), DataError> {
    match limit {
        Some(limit) if faults.total() > limit => {
            let reason = format!("more than {limit} images can't be used; {faults}");
            Err(DataError::layout(source, reason.trim_end().to_owned()))
        }
        _ => Ok(()),
    }
}
