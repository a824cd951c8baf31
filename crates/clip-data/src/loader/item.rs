//! What travels between the loader's threads.

use crate::{DataError, Fault, RawSample};

/// A sample's place: what its random numbers depend on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub epoch: u64,
    pub index: u64,
}

/// One step of the stream, in the order of the reader.
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

/// From the reader to a decoder.
pub(super) type Work = Item<RawSample>;

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
