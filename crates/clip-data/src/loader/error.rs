//! What ends a loader's stream.

use std::io;

use thiserror::Error;

use super::LoaderStats;
use crate::DataError;

/// Why a loader can't start or go on. After one, the stream is over.
#[derive(Debug, Error)]
pub enum LoaderError {
    /// A setting is impossible.
    #[error("loader settings: {reason}")]
    Config {
        /// The setting, its value, and what is possible.
        reason: String,
    },
    /// The shards can't be found or opened.
    #[error(transparent)]
    Data(#[from] DataError),
    /// Too many samples are unusable.
    #[error(
        "{bad} of the first {seen} samples of epoch {epoch} are unusable, more than the limit of \
         {limit}: repair the data or raise max_bad_share ({stats})"
    )]
    TooManyBad {
        /// Unusable samples of the epoch.
        bad: u64,
        /// Samples of the epoch so far.
        seen: u64,
        /// The epoch.
        epoch: u64,
        /// `max_bad_share`.
        limit: f64,
        /// Counts by cause, and the first few by name.
        stats: Box<LoaderStats>,
    },
    /// A whole epoch doesn't fill one batch.
    #[error(
        "batch size {batch_size} is larger than the data ({usable} usable samples{}): lower it, \
         add shards{}",
        concepts.map_or(String::new(), |count| format!(", {count} distinct concepts")),
        concepts.map_or("", |_| ", or turn unique_concepts off")
    )]
    BatchTooLarge {
        /// Pairs asked for in a batch.
        batch_size: usize,
        /// Usable samples in the epoch.
        usable: u64,
        /// Distinct concepts among them, when they limit the batch.
        concepts: Option<usize>,
    },
    /// A thread couldn't be started.
    #[error("cannot start a loader thread: {0}: lower `threads`")]
    Thread(#[source] io::Error),
    /// A thread ended before its work was done.
    #[error("a loader thread ended unexpectedly: please report what it printed")]
    ThreadDied,
}

impl LoaderError {
    pub(super) fn config(reason: impl Into<String>) -> Self {
        Self::Config { reason: reason.into() }
    }
}
