//! The shards that a folder already holds.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::file::{CHUNK, PART, hex, part_of};
use super::index::{INDEX, SIZES};
use super::{IndexedShard, ShardCompression, ShardIndex};
use crate::{Cause, DataError, Location, ShardOpener, ShardReader};

/// How shards are named: prefix, number with zeros, ending.
#[derive(Clone, Debug)]
pub(super) struct Names {
    pub prefix: String,
    pub digits: usize,
}

impl Names {
    pub(super) fn file(&self, number: u64, compression: ShardCompression) -> String {
        let (prefix, digits, ending) = (&self.prefix, self.digits, compression.ending());
        format!("{prefix}{number:0digits$}{ending}")
    }

    /// The number of a shard that is named like this, whatever its compression.
    fn number(&self, file: &str) -> Option<u64> {
        let rest = file.strip_prefix(&self.prefix)?;
        let number = rest.split('.').next()?.parse().ok()?;
        let endings = [ShardCompression::None, ShardCompression::Gzip];
        endings.iter().any(|ending| self.file(number, *ending) == file).then_some(number)
    }
}

/// The shards so named, by number, after what a crash left half-written is removed.
pub(super) fn tidy(folder: &Path, names: &Names) -> Result<BTreeMap<u64, String>, DataError> {
    let mut shards = BTreeMap::new();
    for entry in fs::read_dir(folder).map_err(|source| DataError::io(folder, source))? {
        let entry = entry.map_err(|source| DataError::io(folder, source))?;
        let file = entry.file_name().to_string_lossy().into_owned();
        if let Some(number) = names.number(&file) {
            shards.insert(number, file);
        } else if file.strip_suffix(PART).is_some_and(|whole| names.number(whole).is_some()) {
            remove(&entry.path())?;
        }
    }
    for file in [INDEX, SIZES] {
        remove(&part_of(&folder.join(file)))?;
    }
    Ok(shards)
}

fn remove(path: &Path) -> Result<(), DataError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(DataError::write(path, error)),
        _ => Ok(()),
    }
}

/// The index of the folder as it is: what its `index.json` says about the shards that are there, and
/// `shards` read where it says nothing of them, as after a crash.
pub(super) fn index<'a>(
    folder: &Path,
    shards: impl Iterator<Item = &'a String>,
) -> Result<ShardIndex, DataError> {
    let mut index = ShardIndex::read(folder)?.unwrap_or_default();
    index.shards.retain(|shard| {
        let found = fs::metadata(folder.join(&shard.file));
        found.is_ok_and(|found| found.len() == shard.bytes)
    });
    for file in shards {
        if index.shard(file).is_none() {
            index.insert(describe(folder.join(file))?);
        }
    }
    Ok(index)
}

/// Reads a whole shard for the index.
fn describe(path: PathBuf) -> Result<IndexedShard, DataError> {
    let (bytes, sha256) = digest(&path)?;
    let file = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    // With a limit of no bytes, members are skipped rather than kept.
    let mut reader = ShardReader::open(&Location::File(path), &ShardOpener::default(), 0)?;
    let mut samples = 0;
    for sample in reader.by_ref() {
        match sample {
            Err(fault) if fault.cause != Cause::MemberTooLarge => {
                return Err(DataError::Sample(fault));
            }
            _ => samples += 1,
        }
    }
    match reader.end_fault() {
        Some(fault) => Err(DataError::Sample(fault)),
        None => Ok(IndexedShard { file, samples, bytes, sha256 }),
    }
}

/// Size of a file and its SHA-256 in hexadecimal.
pub(crate) fn digest(path: &Path) -> Result<(u64, String), DataError> {
    let failed = |source| DataError::io(path, source);
    let mut file = File::open(path).map_err(failed)?;
    let (mut hash, mut bytes, mut chunk) = (Sha256::new(), 0, vec![0; CHUNK]);
    loop {
        match file.read(&mut chunk) {
            Ok(0) => return Ok((bytes, hex(hash))),
            Ok(read) => {
                hash.update(&chunk[..read]);
                bytes += read as u64;
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(failed(error)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shard_is_known_by_its_name() {
        let names = Names { prefix: "train-".into(), digits: 3 };
        assert_eq!(names.file(7, ShardCompression::Gzip), "train-007.tar.gz");
        for (file, number) in [
            ("train-007.tar", Some(7)),
            ("train-1234.tar.gz", Some(1234)),
            ("train-07.tar", None),
            ("train-0007.tar", None),
            ("train-+07.tar", None),
            ("train-007.tar.part", None),
            ("train-007.json", None),
            ("test-007.tar", None),
        ] {
            assert_eq!(names.number(file), number, "{file}");
        }
    }
}
