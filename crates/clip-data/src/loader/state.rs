//! A loader's position and what it yields.

use serde::{Deserialize, Serialize};

use super::LoaderError;

/// Where a loader stands after a batch: with the same settings and shards, all it takes to go on
/// as if never interrupted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoaderState {
    /// The epoch, from 0.
    pub epoch: u64,
    /// Index within the epoch of the first sample not yet read.
    pub next_index: u64,
    /// Indices below `next_index` of samples that wait for a later batch, ascending.
    pub deferred: Vec<u64>,
    /// Unusable samples of the epoch so far.
    pub bad: u64,
}

impl LoaderState {
    pub(super) fn check(&self) -> Result<(), LoaderError> {
        let ascending = self.deferred.windows(2).all(|pair| pair[0] < pair[1]);
        if ascending && self.deferred.last().is_none_or(|last| *last < self.next_index) {
            return Ok(());
        }
        let reason = "the state to resume from is damaged: its deferred indices aren't ascending \
                      and below next_index; resume from another checkpoint";
        Err(LoaderError::Config { reason: reason.to_owned() })
    }
}

/// Image-text pairs on the host, ready for upload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClipBatch {
    /// Pixels, `[batch, size, size, 3]`, red, green, blue in 0 to 255.
    pub images: Vec<u8>,
    /// Token ids, `[batch, context]`.
    pub tokens: Vec<i32>,
    /// The samples' keys, `[batch]`.
    pub keys: Vec<String>,
    /// The epoch the pairs belong to, from 0.
    pub epoch: u64,
    /// The position after this batch.
    pub state: LoaderState,
    /// Side of the images in pixels.
    pub size: usize,
    /// Number of pairs.
    pub batch: usize,
}
