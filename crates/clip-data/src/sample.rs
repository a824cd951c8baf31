//! What every source of samples yields: named, undecoded files.

use std::sync::Arc;

use crate::{Cause, Fault};

/// The undecoded files of one sample.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RawSample {
    /// What the members' names share: folder and file name up to its first dot.
    pub key: String,
    /// The shard the sample came from.
    pub shard: Arc<str>,
    /// Each member's extension (what follows the first dot, in lower case) and bytes.
    pub members: Vec<(String, Vec<u8>)>,
}

impl RawSample {
    /// The bytes of the first member with this extension.
    pub fn member(&self, extension: &str) -> Option<&[u8]> {
        let found = self.members.iter().find(|(name, _)| name == extension);
        found.map(|(_, bytes)| bytes.as_slice())
    }

    /// Bytes in all members.
    pub fn size(&self) -> u64 {
        self.members.iter().map(|(_, bytes)| bytes.len() as u64).sum()
    }

    /// A fault of this sample.
    pub fn fault(&self, cause: Cause, reason: impl Into<String>) -> Fault {
        let (shard, key) = (self.shard.to_string(), self.key.clone());
        Fault { cause, shard, key, reason: reason.into() }
    }
}
