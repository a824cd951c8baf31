//! A loader's position and what it yields.

use serde::{Deserialize, Serialize};

use super::LoaderError;

/// Where a loader stands after a batch: with the same settings and data, all it takes to go on as
/// if never interrupted.
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
    /// Where reading begins again: no later than any sample still needed.
    pub window: WindowStart,
}

/// Where a window, the samples that are shuffled together, begins in the data.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct WindowStart {
    /// Index within the epoch of its first sample.
    pub index: u64,
    /// How many shards (or samples, where there are no shards) the epoch took before.
    pub draw: u64,
    /// Bytes of the shard, decompressed, that lie before.
    pub offset: u64,
}

impl LoaderState {
    pub(super) fn check(&self) -> Result<(), LoaderError> {
        let ascending = self.deferred.windows(2).all(|pair| pair[0] < pair[1]);
        let below = self.deferred.last().is_none_or(|last| *last < self.next_index);
        let first = self.deferred.first().unwrap_or(&self.next_index);
        if ascending && below && self.window.index <= *first {
            return Ok(());
        }
        Err(LoaderError::config(
            "the state to resume from is damaged: its deferred indices aren't ascending between \
             the window's and next_index; resume from another checkpoint",
        ))
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
