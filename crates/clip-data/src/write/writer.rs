//! Samples to a folder of shards.

use std::fs;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::archive::member_bytes;
use super::folder::{self, Names};
use super::name::check;
use super::{IndexedShard, ShardCompression, ShardFile, ShardIndex};
use crate::{DataError, RawSample};

/// How shards are named and where they end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ShardOptions {
    /// What their names begin with, before the number.
    pub prefix: String,
    /// Digits of the number, with zeros before it: six make `000000.tar`.
    pub digits: usize,
    /// The most samples in one; at least one is written all the same.
    pub max_samples: u64,
    /// The most bytes in one, before compression; a sample that is larger has one to itself.
    pub max_bytes: u64,
    /// Their compression.
    pub compression: ShardCompression,
    /// Whether to go on where the folder's shards end; otherwise there must be none.
    pub append: bool,
}

impl Default for ShardOptions {
    fn default() -> Self {
        Self {
            prefix: String::new(),
            digits: 6,
            max_samples: 10_000,
            max_bytes: 1 << 30,
            compression: ShardCompression::None,
            append: false,
        }
    }
}

/// Writes samples to shards in one folder, in the order in which they come.
///
/// A shard is written beside its place, as `NAME.part`, and gets its name when all of it is on the
/// disk: killed at any moment, the shards that can be seen are complete. The same samples and options
/// make the same bytes. What a killed run left is removed by the next. One writer at a time may
/// write under one prefix.
///
/// ```no_run
/// use clip_data::{RawSample, ShardOptions, ShardWriter};
///
/// # fn main() -> Result<(), clip_data::DataError> {
/// let mut writer = ShardWriter::create("shards", ShardOptions::default())?;
/// writer.write(&RawSample {
///     key: "cats/0".into(),
///     shard: "".into(), // of no matter here
///     members: vec![("jpg".into(), vec![/* a file's bytes */]), ("txt".into(), b"A cat.".into())],
/// })?;
/// let index = writer.finish()?; // and writes index.json and sizes.json
/// println!("{} samples in {} shards", index.samples(), index.shards.len());
/// # Ok(())
/// # }
/// ```
pub struct ShardWriter {
    folder: PathBuf,
    names: Names,
    options: ShardOptions,
    /// The complete shards of the folder.
    index: ShardIndex,
    number: u64,
    open: Option<ShardFile>,
    last_key: Option<String>,
    /// The shard that could not be written, after which nothing is.
    failed: Option<PathBuf>,
}

impl ShardWriter {
    /// Makes the folder where it isn't there, and removes what a killed run left half-written.
    ///
    /// # Errors
    ///
    /// When the prefix is no part of a file name, the folder can't be made or read, or it holds
    /// shards: of this prefix without [`append`](ShardOptions::append), or broken ones with it.
    pub fn create(folder: impl Into<PathBuf>, options: ShardOptions) -> Result<Self, DataError> {
        let folder = folder.into();
        if options.prefix.contains(|c: char| c == '/' || c == '\\' || c.is_control()) {
            let reason = "the prefix of shards can't hold slashes or control characters: name the \
                          folder apart from it";
            return Err(DataError::BadSpec { spec: options.prefix, reason: reason.to_owned() });
        }
        fs::create_dir_all(&folder).map_err(|source| DataError::write(&folder, source))?;
        let names = Names { prefix: options.prefix.clone(), digits: options.digits };
        let shards = folder::tidy(&folder, &names)?;
        if let (false, Some(shard)) = (options.append, shards.values().next()) {
            return Err(DataError::Occupied { folder, shard: shard.clone() });
        }
        let number = shards.keys().last().map_or(0, |last| last + 1);
        let index = folder::index(&folder, shards.values())?;
        let (open, last_key, failed) = (None, None, None);
        Ok(Self { folder, names, options, index, number, open, last_key, failed })
    }

    /// Adds a sample. Where its name is refused, nothing is written, and the next may follow.
    ///
    /// # Errors
    ///
    /// When the name would not be read back as it is, or the disk is full or fails: then the samples
    /// of this shard are lost, and every further call fails too.
    pub fn write(&mut self, sample: &RawSample) -> Result<(), DataError> {
        check(sample, self.last_key.as_deref())?;
        let written = self.write_checked(sample);
        if written.is_err() {
            self.open = None;
            self.failed = Some(self.path());
        }
        written
    }

    fn write_checked(&mut self, sample: &RawSample) -> Result<(), DataError> {
        if let Some(path) = &self.failed {
            let source = std::io::Error::other("an earlier write of it failed");
            return Err(DataError::write(path, source));
        }
        let name = |extension: &str| format!("{}.{extension}", sample.key).into_bytes();
        let members: Vec<_> =
            sample.members.iter().map(|(ext, bytes)| (name(ext), bytes.as_slice())).collect();
        let bytes = members.iter();
        let bytes = bytes.map(|(name, bytes)| member_bytes(name, bytes.len() as u64)).sum();
        if self.open.as_ref().is_some_and(|open| self.is_full(open, bytes)) {
            self.seal()?;
        }
        let mut open = match self.open.take() {
            Some(open) => open,
            None => ShardFile::create(self.path(), self.options.compression)?,
        };
        open.add(members.iter().map(|(name, bytes)| (name.as_slice(), *bytes)))?;
        self.open = Some(open);
        self.last_key = Some(sample.key.clone());
        Ok(())
    }

    fn is_full(&self, open: &ShardFile, more: u64) -> bool {
        open.samples() >= self.options.max_samples
            || open.bytes().saturating_add(more) > self.options.max_bytes
    }

    fn seal(&mut self) -> Result<(), DataError> {
        if let Some(open) = self.open.take() {
            self.index.insert(open.seal()?);
            self.number += 1;
        }
        Ok(())
    }

    fn path(&self) -> PathBuf {
        self.folder.join(self.names.file(self.number, self.options.compression))
    }

    /// Samples in the folder: those of its shards, and of the one being written.
    pub fn samples(&self) -> u64 {
        self.index.samples() + self.open.as_ref().map_or(0, ShardFile::samples)
    }

    /// The complete shards of the folder, sorted by name.
    pub fn shards(&self) -> &[IndexedShard] {
        &self.index.shards
    }

    /// Completes the last shard, writes `index.json` and `sizes.json`, and returns the index: all
    /// shards of the folder that this and earlier writers made.
    ///
    /// # Errors
    ///
    /// When a file can't be written, or an earlier write failed.
    pub fn finish(mut self) -> Result<ShardIndex, DataError> {
        if let Some(path) = &self.failed {
            let source = std::io::Error::other("an earlier write of it failed");
            return Err(DataError::write(path, source));
        }
        self.seal()?;
        self.index.write(&self.folder)?;
        Ok(self.index)
    }
}
