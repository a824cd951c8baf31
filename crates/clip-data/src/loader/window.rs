//! The thread that reads shards, a window of samples at a time.

use std::mem;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::SyncSender;

use rand::seq::SliceRandom;

use super::plan::ShardPlan;
use super::{LoaderConfig, LoaderState, WindowStart};
use crate::{Cause, DataError, Fault, RawSample, ShardOpener, ShardReader, Stream, sample_rng};

/// The samples that are shuffled together: half of the shuffle buffer, so that one half is dealt
/// while the other is read. Its order and its end depend on its start alone, which is what makes
/// resuming cheap.
pub(super) struct Window {
    pub epoch: u64,
    pub start: WindowStart,
    pub samples: Vec<Result<RawSample, Fault>>,
}

/// What the reader passes on.
pub(super) enum Filled {
    Window(Window),
    EpochEnd,
    Failed(DataError),
}

/// The loader was dropped, or a shard failed.
pub(super) struct Stopped;

/// Reads epoch after epoch.
pub(super) struct WindowReader {
    pub plan: ShardPlan,
    pub opener: ShardOpener,
    pub config: Arc<LoaderConfig>,
    pub start: LoaderState,
    pub stop: Arc<AtomicBool>,
    pub windows: SyncSender<Filled>,
}

impl WindowReader {
    /// Works until the loader is dropped or a source fails.
    pub(super) fn run(self) {
        let (mut epoch, mut start) = (self.start.epoch, self.start.window);
        while self.read_epoch(epoch, start).is_ok() {
            epoch += 1;
            start = WindowStart::default();
        }
    }

    fn read_epoch(&self, epoch: u64, start: WindowStart) -> Result<(), Stopped> {
        let mut filling = Filling::new(epoch, start);
        for (draw, shard) in self.plan.epoch(epoch, start.draw) {
            let offset = if draw == start.draw { start.offset } else { 0 };
            let limit = self.config.options.max_member_bytes;
            let opened = ShardReader::open_at(shard, &self.opener, limit, offset);
            let mut reader = opened.or_else(|error| self.fail(error))?;
            while let Some(sample) = reader.next() {
                if self.stop.load(Ordering::Relaxed) {
                    return Err(Stopped);
                }
                let sample = self.check_source(sample)?;
                let place =
                    WindowStart { index: filling.next_index(), draw, offset: reader.offset() };
                filling.push(place, sample);
                let over = self.config.epoch_length() == Some(filling.next_index());
                if over || filling.is_full(&self.config) {
                    self.send(Filled::Window(filling.shuffled(&self.config)))?;
                }
                if over {
                    return self.send(Filled::EpochEnd);
                }
            }
        }
        if !filling.samples.is_empty() {
            self.send(Filled::Window(filling.shuffled(&self.config)))?;
        }
        self.send(Filled::EpochEnd)
    }

    /// A source that failed ends the stream: without its samples, the run couldn't be repeated.
    fn check_source(
        &self,
        sample: Result<RawSample, Fault>,
    ) -> Result<Result<RawSample, Fault>, Stopped> {
        match sample {
            Err(fault) if fault.cause == Cause::SourceFailed => {
                self.fail(DataError::SourceFailed(fault))
            }
            sample => Ok(sample),
        }
    }

    fn fail<T>(&self, error: DataError) -> Result<T, Stopped> {
        self.send(Filled::Failed(error))?;
        Err(Stopped)
    }

    fn send(&self, filled: Filled) -> Result<(), Stopped> {
        self.windows.send(filled).map_err(|_| Stopped)
    }
}

/// A window that is being read.
struct Filling {
    epoch: u64,
    start: WindowStart,
    samples: Vec<Result<RawSample, Fault>>,
    bytes: u64,
}

impl Filling {
    fn new(epoch: u64, start: WindowStart) -> Self {
        Self { epoch, start, samples: Vec::new(), bytes: 0 }
    }

    /// Index within the epoch of the next sample.
    fn next_index(&self) -> u64 {
        self.start.index + self.samples.len() as u64
    }

    fn push(&mut self, place: WindowStart, sample: Result<RawSample, Fault>) {
        if self.samples.is_empty() {
            self.start = place;
        }
        self.bytes += sample.as_ref().map_or(0, RawSample::size);
        self.samples.push(sample);
    }

    fn is_full(&self, config: &LoaderConfig) -> bool {
        self.samples.len() >= config.window() || self.bytes >= config.options.shuffle_bytes / 2
    }

    /// The window, and begins another.
    fn shuffled(&mut self, config: &LoaderConfig) -> Window {
        let (epoch, start, next) = (self.epoch, self.start, self.next_index());
        let mut samples = mem::take(&mut self.samples);
        if config.options.shuffle_buffer > 0 {
            let mut rng = sample_rng(config.seed, epoch, start.index, Stream::Shuffle);
            samples.shuffle(&mut rng);
        }
        (self.start.index, self.bytes) = (next, 0);
        Window { epoch, start, samples }
    }
}
