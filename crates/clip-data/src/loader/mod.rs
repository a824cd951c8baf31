//! Batches of image-text pairs from shards, decoded on several threads, in an order that depends on
//! the seed alone.
//!
//! ```text
//! reader --raw samples, dealt in turn--> decoders --pairs--> assembler --batches--> PairLoader
//! ```
//!
//! The reader deals its items to the decoders in turn and the assembler takes them back in the
//! same turn, so order needs no sorting and every queue is bounded. Dropping the loader closes the
//! queues from the consumer's end, and each thread ends when it finds its queue closed.

mod assembler;
mod config;
mod decoder;
mod error;
mod item;
mod reader;
mod shuffle;
mod state;
mod stats;

use std::fs::File;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{self, JoinHandle};

use clip_model::Tokenizer;

use crate::{DataError, expand_shards};
use assembler::{Assembler, Message};
pub use config::LoaderConfig;
use decoder::Decoder;
pub use error::LoaderError;
use item::Outcome;
use reader::Reader;
pub use state::{ClipBatch, LoaderState};
pub use stats::LoaderStats;

/// Raw samples that wait for each decoder.
const RAW_QUEUE: usize = 8;

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

    /// Goes on after the batch whose `state` this is, with the settings and shards it had.
    ///
    /// The samples before it are read again, but not decoded.
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
        state.check()?;
        let shards = openable_shards(&config.shards)?;
        let (sender, batches) = sync_channel(config.prefetch);
        let mut loader = Self {
            batches: Some(batches),
            threads: Vec::new(),
            stop: Arc::new(AtomicBool::new(false)),
            stats: LoaderStats::default(),
        };
        loader.start(Arc::new(config), tokenizer, state, shards, sender)?;
        Ok(loader)
    }

    /// What has been read and passed over since the start, up to the last batch returned.
    pub fn stats(&self) -> &LoaderStats {
        &self.stats
    }

    fn start(
        &mut self,
        config: Arc<LoaderConfig>,
        tokenizer: Arc<Tokenizer>,
        start: LoaderState,
        shards: Vec<PathBuf>,
        consumer: SyncSender<Message>,
    ) -> Result<(), LoaderError> {
        let pair_queue = config.batch_size.div_ceil(config.threads).min(MAX_PAIR_QUEUE);
        let (mut decoders, mut outcomes) = (Vec::new(), Vec::<Receiver<Outcome>>::new());
        for number in 0..config.threads {
            let (raw_sender, raw) = sync_channel(RAW_QUEUE);
            let (pair_sender, pairs) = sync_channel(pair_queue);
            let decoder = Decoder { config: config.clone(), tokenizer: tokenizer.clone() };
            self.spawn(format!("decoder-{number}"), move || decoder.run(raw, pair_sender))?;
            decoders.push(raw_sender);
            outcomes.push(pairs);
        }
        let assembler = Assembler::new(config.clone(), &start, consumer);
        self.spawn("batches".to_owned(), move || assembler.run(&outcomes))?;
        let reader = Reader { shards, config, start, stop: self.stop.clone(), decoders };
        self.spawn("shards".to_owned(), move || reader.run())
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

/// The shards, each of which can be opened: better found out now than in hours.
fn openable_shards(specs: &[String]) -> Result<Vec<PathBuf>, DataError> {
    let shards = expand_shards(specs)?;
    for path in &shards {
        File::open(path).map_err(|source| DataError::io(path, source))?;
    }
    Ok(shards)
}

#[cfg(test)]
mod tests;
