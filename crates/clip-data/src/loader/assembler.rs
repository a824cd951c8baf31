//! The thread that puts pairs into batches.

use std::collections::{HashSet, VecDeque};
use std::mem;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender};

use crate::Cause;

use super::item::{Item, Outcome, Pair, Place};
use super::{ClipBatch, LoaderConfig, LoaderError, LoaderState, LoaderStats, WindowStart};

/// Unusable samples among fewer than this say nothing about their share.
const MIN_SEEN: u64 = 100;

/// Samples that wait for a later batch, in batches: beyond, one common concept would fill the
/// memory.
const MAX_DEFERRED_BATCHES: usize = 4;

/// To the consumer: a batch or the end, and the counts up to it.
pub(super) struct Message {
    pub batch: Result<ClipBatch, LoaderError>,
    pub stats: LoaderStats,
}

/// The stream is over: an error was sent, or the consumer is gone.
struct Over;

/// Takes pairs in order and fills one batch after the other.
pub(super) struct Assembler {
    config: Arc<LoaderConfig>,
    consumer: SyncSender<Message>,
    stats: LoaderStats,
    epoch: u64,
    next_index: u64,
    /// Before this index, a resumed run only gathers what was deferred.
    resumed_at: u64,
    bad: u64,
    /// Samples that the caption filter left out since the epoch, or the resumed run, began.
    filtered: u64,
    batches: u64,
    filling: Vec<Pair>,
    concepts: HashSet<String>,
    deferred: VecDeque<(Place, Pair)>,
    /// The window of the sample that came last.
    window: WindowStart,
}

impl Assembler {
    pub(super) fn new(
        config: Arc<LoaderConfig>,
        start: &LoaderState,
        consumer: SyncSender<Message>,
    ) -> Self {
        Self {
            config,
            consumer,
            stats: LoaderStats::default(),
            epoch: start.epoch,
            next_index: start.next_index,
            resumed_at: start.next_index,
            bad: start.bad,
            filtered: 0,
            // A position within an epoch is that of a batch.
            batches: u64::from(start.next_index > 0),
            filling: Vec::new(),
            concepts: HashSet::new(),
            deferred: VecDeque::new(),
            window: start.window,
        }
    }

    /// Takes the decoders' outcomes in turn, which is the reader's order, until the stream ends.
    pub(super) fn run(mut self, decoders: &[Receiver<Outcome>]) {
        for decoder in decoders.iter().cycle() {
            let taken = match decoder.recv() {
                Ok(outcome) => self.take(outcome),
                Err(_) => self.fail(LoaderError::ThreadDied),
            };
            if taken.is_err() {
                return;
            }
        }
    }

    fn take(&mut self, outcome: Outcome) -> Result<(), Over> {
        match outcome {
            Item::Sample(place, pair) => self.take_pair(place, pair),
            Item::Fault(place, fault) => {
                self.arrive(place)?;
                self.stats.count(&fault);
                if fault.cause == Cause::Filtered {
                    self.filtered += 1;
                    return Ok(());
                }
                self.bad += 1;
                if self.next_index < MIN_SEEN { Ok(()) } else { self.check_bad_share() }
            }
            Item::EpochEnd => self.end_epoch(),
            Item::Failed(error) => self.fail(error.into()),
        }
    }

    fn take_pair(&mut self, place: Place, pair: Pair) -> Result<(), Over> {
        if place.index < self.resumed_at {
            self.deferred.push_back((place, pair));
            return Ok(());
        }
        self.arrive(place)?;
        let Some(pair) = self.place(pair) else {
            return self.emit_full();
        };
        if self.deferred.len() < MAX_DEFERRED_BATCHES * self.config.batch_size {
            self.deferred.push_back((place, pair));
        } else {
            self.stats.crowded_out += 1;
        }
        Ok(())
    }

    /// Counts a sample; the first one after a resumption starts the batch it interrupted.
    fn arrive(&mut self, place: Place) -> Result<(), Over> {
        self.start_resumed()?;
        self.next_index = place.index + 1;
        self.window = place.window;
        self.stats.seen += 1;
        self.give_up_on_old(place.index);
        Ok(())
    }

    /// What has waited too long would have to be read again when the run is resumed.
    fn give_up_on_old(&mut self, index: u64) {
        let config = &self.config;
        let patience = config.window().max(MAX_DEFERRED_BATCHES * config.batch_size) as u64;
        while self.deferred.pop_front_if(|(place, _)| place.index + patience < index).is_some() {
            self.stats.crowded_out += 1;
        }
    }

    fn start_resumed(&mut self) -> Result<(), Over> {
        if mem::take(&mut self.resumed_at) == 0 {
            return Ok(());
        }
        self.refill();
        self.emit_full()
    }

    /// Puts the pair into the batch, or returns it when its concept is there already.
    fn place(&mut self, pair: Pair) -> Option<Pair> {
        if let Some(concept) = pair.concept.as_ref().filter(|_| self.config.options.unique_concepts)
        {
            if self.concepts.contains(concept) {
                return Some(pair);
            }
            self.concepts.insert(concept.clone());
        }
        self.filling.push(pair);
        None
    }

    /// Sends the batch when it is full, and begins the next with what waits; that may fill it.
    fn emit_full(&mut self) -> Result<(), Over> {
        while self.filling.len() == self.config.batch_size {
            let batch = self.batch();
            self.batches += 1;
            self.send(Ok(batch))?;
            self.refill();
        }
        Ok(())
    }

    fn refill(&mut self) {
        for (place, pair) in mem::take(&mut self.deferred) {
            let left = if self.filling.len() < self.config.batch_size {
                self.place(pair)
            } else {
                Some(pair)
            };
            self.deferred.extend(left.map(|pair| (place, pair)));
        }
    }

    fn batch(&mut self) -> ClipBatch {
        self.concepts.clear();
        let (size, batch) = (self.config.transform.image_size, self.config.batch_size);
        let mut images = Vec::with_capacity(batch * size * size * 3);
        let mut tokens = Vec::new();
        let mut keys = Vec::with_capacity(batch);
        for pair in self.filling.drain(..) {
            images.extend_from_slice(&pair.image);
            tokens.extend_from_slice(&pair.tokens);
            keys.push(pair.key);
        }
        let state = LoaderState {
            epoch: self.epoch,
            next_index: self.next_index,
            deferred: self.deferred.iter().map(|(place, _)| place.index).collect(),
            bad: self.bad,
            window: self.deferred.front().map_or(self.window, |(place, _)| place.window),
        };
        ClipBatch { images, tokens, keys, epoch: self.epoch, state, size, batch }
    }

    fn check_bad_share(&mut self) -> Result<(), Over> {
        let (bad, seen, limit) = (self.bad, self.next_index, self.config.options.max_bad_share);
        if bad as f64 <= limit * seen as f64 {
            return Ok(());
        }
        let stats = Box::new(self.stats.clone());
        self.fail(LoaderError::TooManyBad { bad, seen, epoch: self.epoch, limit, stats })
    }

    fn end_epoch(&mut self) -> Result<(), Over> {
        self.start_resumed()?;
        self.check_bad_share()?;
        if self.batches == 0 {
            // What didn't fill a batch: one pair of each concept, and the rest of them deferred.
            let concepts = (!self.concepts.is_empty()).then_some(self.concepts.len());
            let (batch_size, usable) =
                (self.config.batch_size, self.next_index - self.bad - self.filtered);
            return self.fail(LoaderError::BatchTooLarge { batch_size, usable, concepts });
        }
        self.filling.clear();
        self.concepts.clear();
        self.deferred.clear();
        (self.epoch, self.next_index, self.batches) = (self.epoch + 1, 0, 0);
        (self.bad, self.filtered) = (0, 0);
        Ok(())
    }

    fn fail(&mut self, error: LoaderError) -> Result<(), Over> {
        self.send(Err(error))?;
        Err(Over)
    }

    fn send(&mut self, batch: Result<ClipBatch, LoaderError>) -> Result<(), Over> {
        let stats = self.stats.clone();
        self.consumer.send(Message { batch, stats }).map_err(|_| Over)
    }
}
