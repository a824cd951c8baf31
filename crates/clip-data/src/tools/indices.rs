//! The indices beside shards.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::write::folder_of;
use crate::{Cause, DataError, Fault, IndexedShard, Location, ShardIndex};

/// The indices of the folders that shards are in.
#[derive(Default)]
pub(super) struct Indices(BTreeMap<PathBuf, ShardIndex>);

impl Indices {
    pub(super) fn read(shards: &[Location]) -> Result<Self, DataError> {
        let mut indices = BTreeMap::new();
        for folder in shards.iter().filter_map(Location::file).map(folder_of) {
            if !indices.contains_key(folder) {
                indices.insert(folder.to_owned(), ShardIndex::read(folder)?.unwrap_or_default());
            }
        }
        Ok(Self(indices))
    }

    /// What the index of its folder says about a shard.
    pub(super) fn shard(&self, location: &Location) -> Option<&IndexedShard> {
        let path = location.file()?;
        self.0.get(folder_of(path))?.shard(&path.file_name()?.to_string_lossy())
    }

    /// A fault for each shard that an index names and that isn't there.
    pub(super) fn missing(&self) -> impl Iterator<Item = Fault> {
        self.0.iter().flat_map(|(folder, index)| {
            let paths = index.shards.iter().map(|shard| folder.join(&shard.file));
            paths.filter(|path| !path.exists()).map(|path| Fault {
                cause: Cause::IndexDiffers,
                shard: path.display().to_string(),
                key: String::new(),
                reason: "the index names it, but it isn't there: get it again".to_owned(),
            })
        })
    }
}
