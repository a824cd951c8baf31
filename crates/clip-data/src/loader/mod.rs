//! Batches of image-text pairs from shards, decoded on several threads, in an order that depends on
//! the seed alone.
//!
//! ```text
//! shards --windows--> dealer --raw samples, in turn--> decoders --pairs--> assembler --> PairLoader
//! ```
//!
//! Where there are no shards, the dealer deals the indices of pairs, which the decoders get.
//!
//! The dealer gives its items to the decoders in turn and the assembler takes them back in the
//! same turn, so order needs no sorting and every queue is bounded. Dropping the loader closes the
//! queues from the consumer's end, and each thread ends when it finds its queue closed.

mod assembler;
mod config;
mod dealer;
mod decoder;
mod error;
mod item;
mod plan;
mod state;
mod stats;
mod window;

use std::fs::File;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{self, JoinHandle};

use clip_model::Tokenizer;

use crate::{DataError, Location, PairSource, ShardOpener, open_pairs};
use assembler::{Assembler, Message};
pub use config::{LoaderConfig, LoaderOptions};
use dealer::Dealer;
use decoder::Decoder;
pub use error::LoaderError;
use item::{Outcome, Work};
use plan::ShardPlan;
pub use state::{ClipBatch, LoaderState, WindowStart};
pub use stats::LoaderStats;
use window::WindowReader;

/// The most pairs that wait behind each decoder.
const MAX_PAIR_QUEUE: usize = 64;

/// An endless stream of batches, epoch after epoch.
///
/// The stream is the same, byte for byte, for any number of threads, and goes on after
/// [`resume`](Self::resume) as if never interrupted. The incomplete batch at the end of an epoch is
/// dropped. Unusable samples are passed over and counted in [`stats`](Self::stats). After an error,
/// the stream is over.
pub struct PairLoader {
    batches: Option<Receiver<Message>>,
    threads: Vec<JoinHandle<()>>,
    stop: Arc<AtomicBool>,
    stats: LoaderStats,
}

impl PairLoader {
    /// Starts at the first sample of epoch 0.
    ///
    /// # Errors
    ///
    /// When a setting is impossible, a shard is missing or can't be opened, or a thread can't be
    /// started.
    pub fn new(config: LoaderConfig, tokenizer: Arc<Tokenizer>) -> Result<Self, LoaderError> {
        Self::resume(config, tokenizer, LoaderState::default())
    }

    /// Goes on after the batch whose `state` this is, with the settings and data it had.
    ///
    /// No more is read again than a window, which is half of the shuffle buffer, and what waited
    /// for a later batch since then. Of a compressed shard that means its start, too.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new), and when the state is damaged.
    pub fn resume(
        config: LoaderConfig,
        tokenizer: Arc<Tokenizer>,
        state: LoaderState,
    ) -> Result<Self, LoaderError> {
        config.check()?;
        if let Some(pairs) = open_pairs(&config.data, &config.options.pairs, &config.captions)? {
            return Self::resume_pairs(pairs.into(), config, tokenizer, state);
        }
        let plan = ShardPlan::new(&config)?;
        check_openable(plan.shards())?;
        Self::start(config, tokenizer, state, Data::Shards(plan))
    }

    /// As [`resume`](Self::resume), with pairs that can be got by index, such as a data set of
    /// Burn's ([`BurnPairs`](crate::BurnPairs)), in place of `config.data`. They are got by the
    /// decoder threads.
    ///
    /// # Errors
    ///
    /// When a setting is impossible, a thread can't be started, or the state is damaged.
    pub fn resume_pairs(
        pairs: Arc<dyn PairSource>,
        config: LoaderConfig,
        tokenizer: Arc<Tokenizer>,
        state: LoaderState,
    ) -> Result<Self, LoaderError> {
        config.check()?;
        if config.options.resampled {
            return Err(LoaderError::config("resampled is for shards: leave it out"));
        }
        if pairs.len() < config.world_size {
            let (name, size) = (pairs.name(), config.world_size);
            return Err(LoaderError::config(format!("{name} has fewer pairs than {size} ranks")));
        }
        Self::start(config, tokenizer, state, Data::Pairs(pairs))
    }

    /// What has been read and passed over since the start, up to the last batch returned.
    pub fn stats(&self) -> &LoaderStats {
        &self.stats
    }

    fn start(
        config: LoaderConfig,
        tokenizer: Arc<Tokenizer>,
        state: LoaderState,
        data: Data,
    ) -> Result<Self, LoaderError> {
        state.check()?;
        let (sender, batches) = sync_channel(config.options.prefetch);
        let mut loader = Self {
            batches: Some(batches),
            threads: Vec::new(),
            stop: Arc::new(AtomicBool::new(false)),
            stats: LoaderStats::default(),
        };
        let config = Arc::new(config);
        let decoder = Decoder { config: config.clone(), tokenizer, pairs: data.pairs() };
        let (decoders, outcomes) = loader.start_decoders(decoder)?;
        let assembler = Assembler::new(config.clone(), &state, sender);
        loader.spawn("batches".to_owned(), move || assembler.run(&outcomes))?;
        let stop = loader.stop.clone();
        let dealer =
            Dealer { config: config.clone(), start: state.clone(), stop, decoders, sent: 0 };
        match data {
            Data::Shards(plan) => loader.start_shards(config, state, plan, dealer)?,
            Data::Pairs(pairs) => {
                let count = pairs.len() as u64;
                loader.spawn("dealer".to_owned(), move || dealer.deal_indices(count))?;
            }
        }
        Ok(loader)
    }

    fn start_shards(
        &mut self,
        config: Arc<LoaderConfig>,
        start: LoaderState,
        plan: ShardPlan,
        dealer: Dealer,
    ) -> Result<(), LoaderError> {
        // One window is dealt while the next one is read.
        let (sender, windows) = sync_channel(0);
        self.spawn("dealer".to_owned(), move || dealer.deal_windows(windows))?;
        let (opener, stop) = (ShardOpener::new(&config.options.open), self.stop.clone());
        let reader = WindowReader { plan, opener, config, start, stop, windows: sender };
        // Not joined when the loader is dropped: it may wait for a source that doesn't answer.
        let thread = thread::Builder::new().name("shards".to_owned());
        thread.spawn(move || reader.run()).map_err(LoaderError::Thread)?;
        Ok(())
    }

    fn start_decoders(&mut self, decoder: Decoder) -> Result<DecoderQueues, LoaderError> {
        let config = decoder.config.clone();
        let pair_queue = config.batch_size.div_ceil(config.threads()).min(MAX_PAIR_QUEUE);
        let (mut inputs, mut outputs) = (Vec::new(), Vec::new());
        for number in 0..config.threads() {
            let (input, raw) = sync_channel(config.options.queue);
            let (pair_sender, pairs) = sync_channel(pair_queue);
            let decoder = decoder.clone();
            self.spawn(format!("decoder-{number}"), move || decoder.run(raw, pair_sender))?;
            inputs.push(input);
            outputs.push(pairs);
        }
        Ok((inputs, outputs))
    }

    fn spawn(
        &mut self,
        name: String,
        work: impl FnOnce() + Send + 'static,
    ) -> Result<(), LoaderError> {
        let thread = thread::Builder::new().name(name).spawn(work).map_err(LoaderError::Thread)?;
        self.threads.push(thread);
        Ok(())
    }
}

impl Iterator for PairLoader {
    type Item = Result<ClipBatch, LoaderError>;

    fn next(&mut self) -> Option<Self::Item> {
        let Message { batch, stats } = self.batches.as_ref()?.recv().ok()?;
        self.stats = stats;
        Some(batch)
    }
}

impl Drop for PairLoader {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        drop(self.batches.take());
        for thread in self.threads.drain(..) {
            // A thread that panicked has said so already.
            let _ = thread.join();
        }
    }
}

/// Each decoder's input and output.
type DecoderQueues = (Vec<SyncSender<Work>>, Vec<Receiver<Outcome>>);

/// What a loader reads.
enum Data {
    Shards(ShardPlan),
    Pairs(Arc<dyn PairSource>),
}

impl Data {
    fn pairs(&self) -> Option<Arc<dyn PairSource>> {
        match self {
            Self::Shards(_) => None,
            Self::Pairs(pairs) => Some(pairs.clone()),
        }
    }
}

/// Better found out now than in hours.
fn check_openable(shards: &[Location]) -> Result<(), DataError> {
    for path in shards.iter().filter_map(Location::file) {
        File::open(path).map_err(|source| DataError::io(path, source))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
