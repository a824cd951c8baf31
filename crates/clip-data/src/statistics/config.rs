//! What is gathered, and within what memory.

use crate::{CaptionFields, DEFAULT_MAX_PIXELS};

/// Settings of [`gather`](super::gather()).
#[derive(Clone, Debug, PartialEq)]
pub struct StatisticsConfig {
    /// How many samples are picked to be looked at.
    pub picks: usize,
    /// Which samples are picked.
    pub seed: u64,
    /// Which fields of a `json` member hold what.
    pub fields: CaptionFields,
    /// Images with more pixels are faults.
    pub max_pixels: u64,
    /// The most distinct captions, images, words and concepts each that are remembered, in about 40
    /// bytes each. Beyond it, their numbers are estimates.
    pub max_distinct: usize,
    /// The most entries that a ranking counts at a time. Beyond it, its counts are lower bounds.
    pub max_ranked: usize,
    /// How many entries of each ranking are kept in the end.
    pub top: usize,
}

impl Default for StatisticsConfig {
    fn default() -> Self {
        Self {
            picks: 64,
            seed: 0,
            fields: CaptionFields::default(),
            max_pixels: DEFAULT_MAX_PIXELS,
            max_distinct: 1 << 20,
            max_ranked: 1 << 17,
            top: 60,
        }
    }
}
