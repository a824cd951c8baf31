//! What a folder of shards holds, in a file beside them.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufReader, ErrorKind};
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::file::write_whole;
use crate::DataError;

/// The index of a folder.
pub(super) const INDEX: &str = "index.json";

/// Samples by shard, as open_clip and img2dataset users have it.
pub(super) const SIZES: &str = "sizes.json";

/// The only version there is.
const VERSION: u32 = 1;

/// The shards of a folder, by name: its `index.json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShardIndex {
    version: u32,
    /// The shards, sorted by file name.
    pub shards: Vec<IndexedShard>,
}

/// What the index says about a shard.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IndexedShard {
    /// File name, without its folder.
    pub file: String,
    /// Number of samples.
    pub samples: u64,
    /// Size of the file in bytes.
    pub bytes: u64,
    /// SHA-256 of the file, in lower-case hexadecimal.
    pub sha256: String,
}

impl Default for ShardIndex {
    fn default() -> Self {
        Self { version: VERSION, shards: Vec::new() }
    }
}

impl ShardIndex {
    /// Reads the `index.json` of a folder; `None` where there is none.
    ///
    /// # Errors
    ///
    /// When it can't be read or is of another form.
    pub fn read(folder: impl AsRef<Path>) -> Result<Option<Self>, DataError> {
        let path = folder.as_ref().join(INDEX);
        let file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(DataError::io(path, error)),
        };
        let malformed = |reason: String| {
            let remedy =
                "remove it to do without, and build or repair the shards to have a new one";
            DataError::layout(&path, format!("{reason}: {remedy}"))
        };
        let mut index: Self = serde_json::from_reader(BufReader::new(file))
            .map_err(|error| malformed(format!("it is no index of shards: {error}")))?;
        if index.version != VERSION {
            return Err(malformed(format!("it has version {}, not {VERSION}", index.version)));
        }
        index.shards.sort_by(|left, right| left.file.cmp(&right.file));
        Ok(Some(index))
    }

    /// Writes the folder's `index.json` and `sizes.json`, each in one step.
    ///
    /// # Errors
    ///
    /// When a file can't be written.
    pub fn write(&self, folder: impl AsRef<Path>) -> Result<(), DataError> {
        let folder = folder.as_ref();
        let sizes: BTreeMap<&str, u64> =
            self.shards.iter().map(|shard| (shard.file.as_str(), shard.samples)).collect();
        write_json(&folder.join(SIZES), &sizes)?;
        write_json(&folder.join(INDEX), self)
    }

    /// What it says about a file.
    pub fn shard(&self, file: &str) -> Option<&IndexedShard> {
        let place = self.shards.binary_search_by(|shard| shard.file.as_str().cmp(file)).ok()?;
        self.shards.get(place)
    }

    /// Adds a shard, in the place of what it said about a file of that name.
    pub fn insert(&mut self, shard: IndexedShard) {
        match self.shards.binary_search_by(|known| known.file.cmp(&shard.file)) {
            Ok(place) => self.shards[place] = shard,
            Err(place) => self.shards.insert(place, shard),
        }
    }

    /// Samples in all shards.
    pub fn samples(&self) -> u64 {
        self.shards.iter().map(|shard| shard.samples).sum()
    }

    /// Bytes of all shards.
    pub fn bytes(&self) -> u64 {
        self.shards.iter().map(|shard| shard.bytes).sum()
    }
}

fn write_json(path: &Path, value: &impl Serialize) -> Result<(), DataError> {
    let mut text = serde_json::to_vec_pretty(value)
        .map_err(|error| DataError::write(path, std::io::Error::other(error)))?;
    text.push(b'\n');
    write_whole(path, &text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shard(file: &str, samples: u64) -> IndexedShard {
        IndexedShard { file: file.into(), samples, bytes: 10, sha256: "ab".into() }
    }

    #[test]
    fn an_index_is_sorted_and_read_back_with_the_sizes_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let mut index = ShardIndex::default();
        for (file, samples) in [("b.tar", 1), ("a.tar", 2), ("b.tar", 3)] {
            index.insert(shard(file, samples));
        }
        assert_eq!((index.samples(), index.bytes()), (5, 20));
        index.write(folder.path()).unwrap();
        assert_eq!(ShardIndex::read(folder.path()).unwrap(), Some(index));
        let sizes = std::fs::read_to_string(folder.path().join(SIZES)).unwrap();
        assert_eq!(sizes, "{\n  \"a.tar\": 2,\n  \"b.tar\": 3\n}\n");
    }

    #[test]
    fn what_is_no_index_is_named() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(ShardIndex::read(folder.path()).unwrap(), None);
        for text in ["{", r#"{"a.tar": 3}"#, r#"{"version": 2, "shards": []}"#] {
            std::fs::write(folder.path().join(INDEX), text).unwrap();
            let message = ShardIndex::read(folder.path()).unwrap_err().to_string();
            assert!(message.contains("index.json: it ") && message.contains("remove it"));
        }
    }
}
