//! Broken shards to whole ones with what is left.

mod gather;
mod salvage;

#[cfg(test)]
mod tests;

use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

use gather::{Gather, Kept};
use salvage::Salvage;

use super::FaultTally;
use crate::write::{ShardFile, digest, folder_of};
use crate::{
    Cause, DEFAULT_MAX_MEMBER_BYTES, DataError, IndexedShard, Location, ShardCompression,
    ShardIndex, ShardOpener, ShardReader,
};

/// The end of the name under which the broken shard is kept.
const BROKEN: &str = ".broken";

/// How a shard is repaired.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RepairOptions {
    /// Whether to keep the broken shard beside the new one, as `NAME.broken`.
    pub keep_original: bool,
    /// The most bytes of a member; samples with larger ones are left out.
    pub max_member_bytes: u64,
    /// How many faults are named in the report.
    pub named: usize,
}

impl Default for RepairOptions {
    fn default() -> Self {
        Self { keep_original: true, max_member_bytes: DEFAULT_MAX_MEMBER_BYTES, named: 10 }
    }
}

/// What was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RepairOutcome {
    /// Nothing: the shard is whole.
    Whole,
    /// The shard was written again.
    Rewritten,
    /// Nothing: not one complete sample is left of it.
    NothingLeft,
}

/// What was found and done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RepairReport {
    /// What was done.
    pub outcome: RepairOutcome,
    /// Samples in the shard now.
    pub kept: u64,
    /// The damage, and the samples that were lost to it as far as there is a trace of them.
    pub faults: FaultTally,
    /// Where the broken shard is kept.
    pub original: Option<PathBuf>,
}

/// Writes a broken shard again with every sample that is complete in it, those behind the damage too,
/// in one step, and corrects the `index.json` beside it, where there is one.
///
/// Beside damage, a sample is complete when it has the same kinds of members as another sample before
/// it; when there is none, an image and another member. Members that readers pass over, as those
/// without an extension, are left out. A shard that is whole stays as it is; only what its index says
/// is corrected.
///
/// # Errors
///
/// When the shard can't be read, is zstd-compressed, or can't be written, or `NAME.broken` exists.
pub fn repair_shard(path: &Path, options: RepairOptions) -> Result<RepairReport, DataError> {
    let mut report = RepairReport {
        outcome: RepairOutcome::Whole,
        kept: 0,
        faults: FaultTally::new(options.named),
        original: None,
    };
    let compression = compression(path)?;
    if let Some(samples) = whole(path, &options)? {
        report.kept = samples;
        let (bytes, sha256) = digest(path)?;
        reindex(path, |file| IndexedShard { file, samples, bytes, sha256 })?;
        return Ok(report);
    }
    let mut repaired = ShardFile::create(path.to_owned(), compression)?;
    report.faults = salvage(path, &options, &mut repaired)?;
    report.kept = repaired.samples();
    if report.kept == 0 {
        report.outcome = RepairOutcome::NothingLeft;
        return Ok(report);
    }
    if options.keep_original {
        report.original = Some(keep(path)?);
    }
    let shard = repaired.seal()?;
    reindex(path, |_| shard)?;
    report.outcome = RepairOutcome::Rewritten;
    Ok(report)
}

/// How many samples a shard has, where it is whole.
fn whole(path: &Path, options: &RepairOptions) -> Result<Option<u64>, DataError> {
    let location = Location::File(path.to_owned());
    let mut reader =
        ShardReader::open(&location, &ShardOpener::default(), options.max_member_bytes)?;
    let mut samples = 0;
    for sample in reader.by_ref() {
        match sample {
            Ok(_) => samples += 1,
            Err(fault) if fault.cause == Cause::SourceFailed => {
                return Err(DataError::Sample(fault));
            }
            Err(_) => return Ok(None),
        }
    }
    Ok(reader.end_fault().is_none().then_some(samples))
}

fn salvage(
    path: &Path,
    options: &RepairOptions,
    repaired: &mut ShardFile,
) -> Result<FaultTally, DataError> {
    let mut source = ShardOpener::default().open(&Location::File(path.to_owned()))?;
    let mut gather = Gather::new(path.display().to_string(), options.named);
    for piece in Salvage::new(&mut source, options.max_member_bytes) {
        gather.add(piece);
        write(gather.kept(), repaired)?;
    }
    gather.end();
    write(gather.kept(), repaired)?;
    match source.failure() {
        // The disk's fault, not the shard's: it may be whole.
        Some(failure) => Err(DataError::io(path, std::io::Error::other(failure.to_owned()))),
        None => Ok(gather.into_faults()),
    }
}

fn write(samples: impl Iterator<Item = Kept>, repaired: &mut ShardFile) -> Result<(), DataError> {
    for members in samples {
        repaired.add(members.iter().map(|(name, bytes)| (name.as_slice(), bytes.as_slice())))?;
    }
    Ok(())
}

/// Gives the broken shard another name, besides the one it has until the new one takes it.
fn keep(path: &Path) -> Result<PathBuf, DataError> {
    let mut kept = path.as_os_str().to_owned();
    kept.push(BROKEN);
    let kept = PathBuf::from(kept);
    if kept.exists() {
        let reason = "it is kept from an earlier repair: move it or remove it first";
        return Err(DataError::layout(kept, reason));
    }
    // Not every file system has links.
    fs::hard_link(path, &kept)
        .or_else(|_| fs::copy(path, &kept).map(|_| ()))
        .map_err(|source| DataError::write(&kept, source))?;
    Ok(kept)
}

fn compression(path: &Path) -> Result<ShardCompression, DataError> {
    let mut start = Vec::new();
    File::open(path)
        .and_then(|file| file.take(4).read_to_end(&mut start))
        .map_err(|source| DataError::io(path, source))?;
    match start.as_slice() {
        [0x28, 0xb5, 0x2f, 0xfd] => {
            let reason = "zstd isn't written here: decompress it first, by `zstd -d`";
            Err(DataError::layout(path, reason))
        }
        [0x1f, 0x8b, ..] => Ok(ShardCompression::Gzip),
        _ => Ok(ShardCompression::None),
    }
}

/// Corrects what the folder's index says of a shard, where there is an index.
fn reindex(path: &Path, shard: impl FnOnce(String) -> IndexedShard) -> Result<(), DataError> {
    let folder = folder_of(path);
    let Some(mut index) = ShardIndex::read(folder)? else { return Ok(()) };
    let shard = shard(path.file_name().unwrap_or_default().to_string_lossy().into_owned());
    if index.shard(&shard.file) != Some(&shard) {
        index.insert(shard);
        index.write(folder)?;
    }
    Ok(())
}
