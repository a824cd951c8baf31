//! How many samples there are.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use super::{Location, ShardOpener, ShardReader, expand_shards};
use crate::{Cause, DataError};

/// What open_clip and img2dataset call the file beside shards that says how many samples each has.
const SIZES: &str = "sizes.json";

/// How many samples the shards hold, usable or not.
///
/// A `sizes.json` beside a shard (`{"000.tar": 1000}`) is believed; other shards are read, without
/// decoding an image.
///
/// # Errors
///
/// When a shard can't be found or opened. What a truncated shard lost isn't counted.
pub fn count_samples(shards: &[String], opener: &ShardOpener) -> Result<usize, DataError> {
    let mut sizes = HashMap::new();
    let mut count = 0;
    for shard in expand_shards(shards)? {
        count += match stated(&shard, &mut sizes)? {
            Some(size) => size,
            None => read_size(&shard, opener)?,
        };
    }
    Ok(count)
}

/// What the file beside the shard says, each of which is read once.
fn stated(
    shard: &Location,
    sizes: &mut HashMap<PathBuf, HashMap<String, usize>>,
) -> Result<Option<usize>, DataError> {
    let Some((folder, name)) = shard.file().and_then(|path| path.parent().zip(path.file_name()))
    else {
        return Ok(None);
    };
    if !sizes.contains_key(folder) {
        sizes.insert(folder.to_owned(), read_sizes(&folder.join(SIZES))?);
    }
    Ok(sizes[folder].get(name.to_string_lossy().as_ref()).copied())
}

fn read_sizes(path: &Path) -> Result<HashMap<String, usize>, DataError> {
    if !path.is_file() {
        return Ok(HashMap::new());
    }
    let text = fs::read_to_string(path).map_err(|source| DataError::io(path, source))?;
    serde_json::from_str(&text).map_err(|error| {
        let reason = format!("not a list of shards' sizes: {error}: remove it or write it again");
        DataError::layout(path, reason)
    })
}

fn read_size(shard: &Location, opener: &ShardOpener) -> Result<usize, DataError> {
    // With a limit of no bytes, members are skipped rather than kept.
    let samples = ShardReader::open(shard, opener, 0)?;
    let lost =
        |fault: &crate::Fault| matches!(fault.cause, Cause::BrokenShard | Cause::SourceFailed);
    Ok(samples.filter(|sample| !matches!(sample, Err(fault) if lost(fault))).count())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::tar_bytes;

    #[test]
    fn shards_are_read_unless_a_file_says_their_sizes() {
        let folder = tempfile::tempdir().unwrap();
        let bytes = tar_bytes(&[("0.png", &[0; 5000]), ("0.txt", b"a"), ("1.txt", b"")]);
        for name in ["0.tar", "1.tar"] {
            fs::write(folder.path().join(name), &bytes).unwrap();
        }
        let spec = [folder.path().to_string_lossy().into_owned()];
        let count = || count_samples(&spec, &ShardOpener::default());
        assert_eq!(count().unwrap(), 4);
        fs::write(folder.path().join(SIZES), r#"{"1.tar": 70}"#).unwrap();
        assert_eq!(count().unwrap(), 72);
        fs::write(folder.path().join(SIZES), "[").unwrap();
        assert!(count().unwrap_err().to_string().contains("sizes.json: not a list"));
    }
}
