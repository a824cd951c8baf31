//! The thread that reads shards: decides the order of an epoch and numbers its samples.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::SyncSender;

use rand::seq::SliceRandom;

use super::item::{Place, Work};
use super::shuffle::ShuffleBuffer;
use super::{LoaderConfig, LoaderState};
use crate::{Fault, RawSample, ShardReader, Stream, sample_rng};

/// The loader was dropped, or a shard failed.
struct Stopped;

/// Reads epoch after epoch and deals the samples to the decoders in turn.
pub(super) struct Reader {
    pub shards: Vec<PathBuf>,
    pub config: Arc<LoaderConfig>,
    /// Where to begin: earlier samples are read, for the order depends on them, but not sent.
    pub start: LoaderState,
    pub stop: Arc<AtomicBool>,
    pub decoders: Vec<SyncSender<Work>>,
}

impl Reader {
    /// Works until the loader is dropped or a shard can't be opened.
    pub(super) fn run(self) {
        let mut dealer = Dealer { reader: &self, epoch: self.start.epoch, index: 0, sent: 0 };
        while dealer.deal_epoch().is_ok() {
            dealer.epoch += 1;
            dealer.index = 0;
        }
    }

    fn shard_order(&self, epoch: u64) -> Vec<&PathBuf> {
        let mut order: Vec<_> = self.shards.iter().collect();
        // Without a shuffle buffer, the user asked for the order of the shards.
        if self.config.shuffle_buffer > 0 {
            order.shuffle(&mut sample_rng(self.config.seed, epoch, 0, Stream::ShardOrder));
        }
        order
    }

    fn shuffle_buffer(&self, epoch: u64) -> ShuffleBuffer {
        let rng = sample_rng(self.config.seed, epoch, 0, Stream::Shuffle);
        ShuffleBuffer::new(self.config.shuffle_buffer, self.config.shuffle_bytes, rng)
    }

    /// Whether a resumed run still needs this sample.
    fn wanted(&self, place: Place) -> bool {
        place.epoch != self.start.epoch
            || place.index >= self.start.next_index
            || self.start.deferred.binary_search(&place.index).is_ok()
    }
}

/// Where the reader is in the stream.
struct Dealer<'a> {
    reader: &'a Reader,
    epoch: u64,
    index: u64,
    /// Items sent in all: the decoders take turns.
    sent: usize,
}

impl Dealer<'_> {
    fn deal_epoch(&mut self) -> Result<(), Stopped> {
        let mut buffer = self.reader.shuffle_buffer(self.epoch);
        for shard in self.reader.shard_order(self.epoch) {
            let samples = match ShardReader::open(shard, self.reader.config.max_member_bytes) {
                Ok(samples) => samples,
                Err(error) => {
                    self.send(Work::Failed(error))?;
                    return Err(Stopped);
                }
            };
            for sample in samples {
                if self.reader.stop.load(Ordering::Relaxed) {
                    return Err(Stopped);
                }
                self.take(sample, &mut buffer)?;
            }
        }
        while let Some(sample) = buffer.pop() {
            self.deal(sample)?;
        }
        self.send(Work::EpochEnd)
    }

    fn take(
        &mut self,
        sample: Result<RawSample, Fault>,
        buffer: &mut ShuffleBuffer,
    ) -> Result<(), Stopped> {
        match sample {
            Ok(sample) => buffer.push(sample),
            Err(fault) => self.deal_fault(fault)?,
        }
        while let Some(sample) = buffer.pop_excess() {
            self.deal(sample)?;
        }
        Ok(())
    }

    fn deal(&mut self, sample: RawSample) -> Result<(), Stopped> {
        let place = self.next_place();
        if self.reader.wanted(place) { self.send(Work::Sample(place, sample)) } else { Ok(()) }
    }

    fn deal_fault(&mut self, fault: Fault) -> Result<(), Stopped> {
        let place = self.next_place();
        if self.reader.wanted(place) { self.send(Work::Fault(place, fault)) } else { Ok(()) }
    }

    fn next_place(&mut self) -> Place {
        let place = Place { epoch: self.epoch, index: self.index };
        self.index += 1;
        place
    }

    fn send(&mut self, work: Work) -> Result<(), Stopped> {
        let decoder = self.sent % self.reader.decoders.len();
        self.sent += 1;
        self.reader.decoders[decoder].send(work).map_err(|_| Stopped)
    }
}
