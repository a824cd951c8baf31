//! What travels between the loader's threads.

use super::WindowStart;
use crate::{DataError, Fault, RawSample};

/// A sample's place: what its random numbers depend on, and where it was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub epoch: u64,
    pub index: u64,
    pub window: WindowStart,
}

/// One step of the stream, in the order of the dealer.
pub(super) enum Item<T> {
    /// A sample, raw or decoded.
    Sample(Place, T),
    /// A sample that can't be used.
    Fault(Place, Fault),
    /// Every sample of the epoch has been sent.
    EpochEnd,
    /// Nothing more will be sent.
    Failed(DataError),
}

/// A sample before decoding.
pub(super) enum Raw {
    /// From a shard.
    Sample(RawSample),
    /// To be got from the pairs by this index.
    Index(usize),
}

/// From the dealer to a decoder.
pub(super) type Work = Item<Raw>;

/// From a decoder to the assembler.
pub(super) type Outcome = Item<Pair>;

/// A decoded pair.
pub(super) struct Pair {
    pub key: String,
    pub concept: Option<String>,
    /// `[size, size, 3]`.
    pub image: Vec<u8>,
    /// `[context]`.
    pub tokens: Vec<i32>,
}
