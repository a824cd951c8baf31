//! What a loader is told to do.

use std::thread;

use serde::{Deserialize, Serialize};

use crate::{
    CaptionDraw, DEFAULT_MAX_MEMBER_BYTES, DEFAULT_MAX_PIXELS, LoaderError, TrainTransform,
};

/// Settings of a [`PairLoader`](crate::PairLoader). Only the first three have no default.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LoaderConfig {
    /// Shard specs, as [`expand_shards`](crate::expand_shards) reads them.
    pub shards: Vec<String>,
    /// Pairs in a batch.
    pub batch_size: usize,
    /// Crop, background and size of the images.
    pub transform: TrainTransform,
    /// How a caption is drawn.
    #[serde(default)]
    pub captions: CaptionDraw,
    /// What order and augmentation depend on, besides epoch and index.
    #[serde(default)]
    pub seed: u64,
    /// Samples, still encoded, among which the next one is drawn; 0 keeps the shards' order.
    #[serde(default = "default_shuffle_buffer")]
    pub shuffle_buffer: usize,
    /// The most bytes these samples may hold, so that large photographs don't fill the memory.
    #[serde(default = "default_shuffle_bytes")]
    pub shuffle_bytes: u64,
    /// Threads that decode. Any number yields the same batches.
    #[serde(default = "default_threads")]
    pub threads: usize,
    /// Finished batches that wait for the trainer.
    #[serde(default = "default_prefetch")]
    pub prefetch: usize,
    /// Share of unusable samples in an epoch above which the loader gives up; 1 never does.
    #[serde(default = "default_max_bad_share")]
    pub max_bad_share: f64,
    /// The most pixels an image may have.
    #[serde(default = "default_max_pixels")]
    pub max_pixels: u64,
    /// The most bytes a member of a shard may have.
    #[serde(default = "default_max_member_bytes")]
    pub max_member_bytes: u64,
    /// Whether a batch holds at most one image of each concept; others wait for a later batch.
    /// Samples that name no concept are never held back.
    #[serde(default = "default_unique_concepts")]
    pub unique_concepts: bool,
}

fn default_shuffle_buffer() -> usize {
    10_000
}

fn default_shuffle_bytes() -> u64 {
    1 << 30
}

fn default_threads() -> usize {
    thread::available_parallelism().map_or(1, usize::from)
}

fn default_prefetch() -> usize {
    3
}

fn default_max_bad_share() -> f64 {
    0.1
}

fn default_max_pixels() -> u64 {
    DEFAULT_MAX_PIXELS
}

fn default_max_member_bytes() -> u64 {
    DEFAULT_MAX_MEMBER_BYTES
}

fn default_unique_concepts() -> bool {
    true
}

impl LoaderConfig {
    /// Defaults for everything but the shards, the batch size and the image size in pixels.
    pub fn new(shards: Vec<String>, batch_size: usize, image_size: usize) -> Self {
        Self {
            shards,
            batch_size,
            transform: TrainTransform::new(image_size),
            captions: CaptionDraw::default(),
            seed: 0,
            shuffle_buffer: default_shuffle_buffer(),
            shuffle_bytes: default_shuffle_bytes(),
            threads: default_threads(),
            prefetch: default_prefetch(),
            max_bad_share: default_max_bad_share(),
            max_pixels: default_max_pixels(),
            max_member_bytes: default_max_member_bytes(),
            unique_concepts: default_unique_concepts(),
        }
    }

    /// Checks the settings that no data could satisfy.
    pub(super) fn check(&self) -> Result<(), LoaderError> {
        let zero = [("batch_size", self.batch_size), ("threads", self.threads)];
        let problem = match zero.iter().find(|(_, value)| *value == 0) {
            Some((name, _)) => Some(format!("{name} is 0: set it to 1 or more")),
            None if !(0.0..=1.0).contains(&self.max_bad_share) => {
                Some(format!("max_bad_share is {}, not in [0, 1]", self.max_bad_share))
            }
            None => self.transform.problem().or_else(|| self.captions.problem()),
        };
        problem.map_or(Ok(()), |reason| Err(LoaderError::Config { reason }))
    }
}
