//! The shards of a corpus: `PREFIX-000.tar`, `PREFIX-001.tar` and so on for each of its splits.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use anyhow::{Context, Result};
use clip_data::{ShardOptions, ShardWriter};

/// Most samples of a shard.
const MOST_SAMPLES: u64 = 4096;
/// Most bytes of a shard.
const MOST_BYTES: u64 = 64 << 20;
/// Digits of a shard's number.
const DIGITS: usize = 3;

/// Files that tell of a corpus or its shards, which a folder can do without.
const REPORTS: [&str; 3] = ["report.json", "index.json", "sizes.json"];

/// A writer of the shards of a split, of which the folder has none.
pub fn split_writer(folder: &Path, split: &str) -> Result<ShardWriter> {
    let options = ShardOptions {
        prefix: format!("{split}-"),
        digits: DIGITS,
        max_samples: MOST_SAMPLES,
        max_bytes: MOST_BYTES,
        ..ShardOptions::default()
    };
    Ok(ShardWriter::create(folder, options)?)
}

/// Removes what an earlier run made of the splits, what it left half-written, and what tells of
/// it: nothing of an earlier corpus must be taken for this one's if this run is stopped.
pub fn remove_corpus(folder: &Path, splits: &[&str]) -> Result<()> {
    let remove = |name: &str| match fs::remove_file(folder.join(name)) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot remove the old {name}"))
        }
        _ => Ok(()),
    };
    // First what tells of the shards: killed in between, no report speaks of what is gone.
    REPORTS.into_iter().try_for_each(remove)?;
    for entry in fs::read_dir(folder)? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if is_shard(&name, splits) {
            remove(&name)?;
        }
    }
    Ok(())
}

/// Whether a file is named as a shard of one of the splits, complete or not, gzipped or not.
fn is_shard(name: &str, splits: &[&str]) -> bool {
    let name = name.strip_suffix(".part").unwrap_or(name);
    let name = name.strip_suffix(".gz").unwrap_or(name);
    let stem = name.strip_suffix(".tar").and_then(|stem| stem.rsplit_once('-'));
    stem.is_some_and(|(split, number)| {
        splits.contains(&split)
            && number.len() >= DIGITS
            && number.bytes().all(|digit| digit.is_ascii_digit())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn old_shards_and_left_overs_go_and_all_else_stays() -> Result<()> {
        let folder = tempfile::tempdir()?;
        let kept = ["mine-000.tar", "train-mine.tar", "train-00.tar", "x.part"];
        let shards = ["train-000.tar", "train-1000.tar", "train-001.tar.gz", "test-001.tar.part"];
        let old = shards.into_iter().chain(REPORTS);
        for name in old.chain(kept) {
            fs::write(folder.path().join(name), b"")?;
        }
        remove_corpus(folder.path(), &["train", "test"])?;
        assert_eq!(fs::read_dir(folder.path())?.count(), kept.len());
        assert!(kept.iter().all(|name| folder.path().join(name).exists()));
        // And the writer finds no shard in its way.
        split_writer(folder.path(), "train")?;
        Ok(())
    }
}
