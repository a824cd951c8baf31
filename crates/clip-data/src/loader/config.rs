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
    /// Shard specs, as [`expand_sources`](crate::expand_sources) reads them.
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
    /// Whether each shard is drawn anew (open_clip's `--dataset-resampled`) rather than once an
    /// epoch; needs `samples_per_epoch`.
    #[serde(default)]
    pub resampled: bool,
    /// How much likelier the shards of each source are drawn, where `resampled`; empty for equally.
    #[serde(default)]
    pub upsampling: Vec<f64>,
    /// Samples that all ranks take in an epoch; without it, an epoch is a pass over the data.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub samples_per_epoch: Option<u64>,
    /// Which of the `world_size` parts of the data this loader reads, from 0.
    #[serde(default)]
    pub rank: usize,
    /// Loaders that divide the data: whole shards, or single pairs where there are no shards.
    #[serde(default = "default_world_size")]
    pub world_size: usize,
    /// Samples, still encoded, that are held to be shuffled, half of them at a time; 0 keeps the
    /// order of the data.
    #[serde(default = "default_shuffle_buffer")]
    pub shuffle_buffer: usize,
    /// The most bytes these samples may hold, so that large photographs don't fill the memory.
    #[serde(default = "default_shuffle_bytes")]
    pub shuffle_bytes: u64,
    /// Threads that decode. Any number yields the same batches.
    #[serde(default = "default_threads")]
    pub threads: usize,
    /// Samples that wait before each of these threads.
    #[serde(default = "default_queue")]
    pub queue: usize,
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

/// Samples of a window where none are shuffled.
const UNSHUFFLED: usize = 64;

fn default_shuffle_buffer() -> usize {
    10_000
}

fn default_shuffle_bytes() -> u64 {
    1 << 30
}

fn default_threads() -> usize {
    thread::available_parallelism().map_or(1, usize::from)
}

fn default_world_size() -> usize {
    1
}

fn default_queue() -> usize {
    8
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
            resampled: false,
            upsampling: Vec::new(),
            samples_per_epoch: None,
            rank: 0,
            world_size: default_world_size(),
            shuffle_buffer: default_shuffle_buffer(),
            shuffle_bytes: default_shuffle_bytes(),
            threads: default_threads(),
            queue: default_queue(),
            prefetch: default_prefetch(),
            max_bad_share: default_max_bad_share(),
            max_pixels: default_max_pixels(),
            max_member_bytes: default_max_member_bytes(),
            unique_concepts: default_unique_concepts(),
        }
    }

    /// Checks the settings that no data could satisfy.
    pub(super) fn check(&self) -> Result<(), LoaderError> {
        self.problem().map_or(Ok(()), |reason| Err(LoaderError::config(reason)))
    }

    fn problem(&self) -> Option<String> {
        let zero = [
            ("batch_size", self.batch_size),
            ("threads", self.threads),
            ("world_size", self.world_size),
        ];
        if let Some((name, _)) = zero.iter().find(|(_, value)| *value == 0) {
            return Some(format!("{name} is 0: set it to 1 or more"));
        }
        if !(0.0..=1.0).contains(&self.max_bad_share) {
            return Some(format!("max_bad_share is {}, not in [0, 1]", self.max_bad_share));
        }
        let transform = self.transform.problem();
        transform.or_else(|| self.captions.problem()).or_else(|| self.sampling_problem())
    }

    fn sampling_problem(&self) -> Option<String> {
        if self.rank >= self.world_size {
            let (rank, size) = (self.rank, self.world_size);
            return Some(format!("rank is {rank}, not below the world_size of {size}"));
        }
        if self.epoch_length() == Some(0) {
            return Some("samples_per_epoch gives a rank no sample: raise it".to_owned());
        }
        if self.resampled && self.samples_per_epoch.is_none() {
            return Some("resampled data has no end: set samples_per_epoch".to_owned());
        }
        if !self.resampled && !self.upsampling.is_empty() {
            return Some("upsampling needs resampled: set it, or leave upsampling out".to_owned());
        }
        let bad = self.upsampling.iter().find(|factor| !(factor.is_finite() && **factor > 0.0))?;
        Some(format!("upsampling has {bad}: give factors above 0"))
    }

    /// Samples that this rank takes in an epoch, where that isn't a pass over the data.
    pub(super) fn epoch_length(&self) -> Option<u64> {
        self.samples_per_epoch.map(|samples| samples / self.world_size as u64)
    }

    /// Samples of a window, which is shuffled by itself.
    pub(super) fn window(&self) -> usize {
        match self.shuffle_buffer {
            0 => UNSHUFFLED,
            buffer => (buffer / 2).max(1),
        }
    }
}
