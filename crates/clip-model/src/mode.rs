/// How a forward pass treats the layers that behave differently in training.
///
/// Burn ties this to the device (anything on an autodiff device trains); here it is said
/// explicitly, because the training step also encodes without a graph and must then still see the
/// batch statistics of training.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Running statistics are used and left alone, and all patches are seen.
    Evaluation,
    /// What training alone does is done.
    Training {
        /// How batch normalisation goes about its statistics.
        statistics: Statistics,
        /// What patch dropout draws from; the i-th image uses `seed + i`.
        seed: u64,
    },
}

impl Mode {
    /// What batch normalisation goes by.
    pub(crate) fn statistics(self) -> Statistics {
        match self {
            Self::Training { statistics, .. } => statistics,
            Self::Evaluation => Statistics::Running,
        }
    }
}

/// The statistics of batch normalisation in training.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Statistics {
    /// Those of the batch, which move the running ones: in exactly one of the passes over a batch.
    Moving,
    /// Those of the batch, which leave the running ones alone.
    Batch,
    /// The running ones, as they are: frozen batch normalisation.
    Running,
}
