//! What a loader is told to do.

use std::thread;

use serde::{Deserialize, Serialize};

use crate::{
    CaptionDraw, DEFAULT_MAX_MEMBER_BYTES, DEFAULT_MAX_PIXELS, LoaderError, OpenOptions,
    PairOptions, TrainTransform,
};

/// Samples of a window where none are shuffled.
const UNSHUFFLED: usize = 64;

/// What a [`PairLoader`](crate::PairLoader) does.
#[derive(Clone, Debug, PartialEq)]
pub struct LoaderConfig {
    /// Specs of shards, as [`expand_sources`](crate::expand_sources) reads them, or of other pairs,
    /// as [`open_pairs`](crate::open_pairs) does.
    pub data: Vec<String>,
    /// Pairs in a batch.
    pub batch_size: usize,
    /// Crop, background and size of the images.
    pub transform: TrainTransform,
    /// How a caption is drawn.
    pub captions: CaptionDraw,
    /// What order and augmentation depend on, besides epoch and index.
    pub seed: u64,
    /// Which of the `world_size` parts of the data this loader reads, from 0.
    pub rank: usize,
    /// Loaders that divide the data: whole shards, or single pairs where there are no shards.
    pub world_size: usize,
    /// How the data is read.
    pub options: LoaderOptions,
}

/// How data is read: what has a default for any data.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LoaderOptions {
    /// Whether each shard is drawn anew (open_clip's `--dataset-resampled`) rather than once an
    /// epoch; needs `samples_per_epoch`.
    pub resampled: bool,
    /// How much likelier the shards of each source are drawn, where `resampled`; empty for equally.
    pub upsampling: Vec<f64>,
    /// How shards are opened: retries, timeouts, cache.
    pub open: OpenOptions,
    /// How pairs are read from tables.
    pub pairs: PairOptions,
    /// Samples that all ranks take in an epoch; without it, an epoch is a pass over the data.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub samples_per_epoch: Option<u64>,
    /// Samples, still encoded, that are held to be shuffled, half of them at a time; 0 keeps the
    /// order of the data.
    pub shuffle_buffer: usize,
    /// The most bytes these samples may hold, so that large photographs don't fill the memory.
    pub shuffle_bytes: u64,
    /// Threads that decode; 0 for one a core. Any number yields the same batches.
    pub threads: usize,
    /// Samples that wait before each of these threads.
    pub queue: usize,
    /// Finished batches that wait for the trainer.
    pub prefetch: usize,
    /// Share of unusable samples in an epoch above which the loader gives up; 1 never does.
    pub max_bad_share: f64,
    /// The most pixels an image may have.
    pub max_pixels: u64,
    /// The most bytes a member of a shard, and all members of a sample together, may have.
    pub max_member_bytes: u64,
    /// Whether a batch holds at most one image of each concept; others wait for a later batch.
    /// Samples that name no concept are never held back.
    pub unique_concepts: bool,
}

impl Default for LoaderOptions {
    fn default() -> Self {
        Self {
            resampled: false,
            upsampling: Vec::new(),
            open: OpenOptions::default(),
            pairs: PairOptions::default(),
            samples_per_epoch: None,
            shuffle_buffer: 10_000,
            shuffle_bytes: 1 << 30,
            threads: 0,
            queue: 8,
            prefetch: 3,
            max_bad_share: 0.1,
            max_pixels: DEFAULT_MAX_PIXELS,
            max_member_bytes: DEFAULT_MAX_MEMBER_BYTES,
            unique_concepts: true,
        }
    }
}

impl LoaderConfig {
    /// Defaults for everything but the data, the batch size and the image size in pixels.
    pub fn new(data: Vec<String>, batch_size: usize, image_size: usize) -> Self {
        Self {
            data,
            batch_size,
            transform: TrainTransform::new(image_size),
            captions: CaptionDraw::default(),
            seed: 0,
            rank: 0,
            world_size: 1,
            options: LoaderOptions::default(),
        }
    }

    /// Checks the settings that no data could satisfy.
    pub(super) fn check(&self) -> Result<(), LoaderError> {
        self.problem().map_or(Ok(()), |reason| Err(LoaderError::config(reason)))
    }

    fn problem(&self) -> Option<String> {
        let zero = [("batch_size", self.batch_size), ("world_size", self.world_size)];
        if let Some((name, _)) = zero.iter().find(|(_, value)| *value == 0) {
            return Some(format!("{name} is 0: set it to 1 or more"));
        }
        if !(0.0..=1.0).contains(&self.options.max_bad_share) {
            return Some(format!("max_bad_share is {}, not in [0, 1]", self.options.max_bad_share));
        }
        let transform = self.transform.problem();
        transform
            .or_else(|| self.captions.problem())
            .or_else(|| self.options.pairs.problem())
            .or_else(|| self.options.open.problem())
            .or_else(|| self.sampling_problem())
    }

    fn sampling_problem(&self) -> Option<String> {
        if self.rank >= self.world_size {
            let (rank, size) = (self.rank, self.world_size);
            return Some(format!("rank is {rank}, not below the world_size of {size}"));
        }
        if self.epoch_length() == Some(0) {
            return Some("samples_per_epoch gives a rank no sample: raise it".to_owned());
        }
        if self.options.resampled && self.options.samples_per_epoch.is_none() {
            return Some("resampled data has no end: set samples_per_epoch".to_owned());
        }
        if !self.options.resampled && !self.options.upsampling.is_empty() {
            return Some("upsampling needs resampled: set it, or leave upsampling out".to_owned());
        }
        let bad = self
            .options
            .upsampling
            .iter()
            .find(|factor| !(factor.is_finite() && **factor > 0.0))?;
        Some(format!("upsampling has {bad}: give factors above 0"))
    }

    /// Samples that this rank takes in an epoch, where that isn't a pass over the data.
    pub(super) fn epoch_length(&self) -> Option<u64> {
        self.options.samples_per_epoch.map(|samples| samples / self.world_size as u64)
    }

    pub(super) fn threads(&self) -> usize {
        match self.options.threads {
            0 => thread::available_parallelism().map_or(1, usize::from),
            threads => threads,
        }
    }

    /// Samples of a window, which is shuffled by itself.
    pub(super) fn window(&self) -> usize {
        match self.options.shuffle_buffer {
            0 => UNSHUFFLED,
            buffer => (buffer / 2).max(1),
        }
    }
}
