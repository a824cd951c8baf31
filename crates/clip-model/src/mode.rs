/// How a forward pass treats the layers that behave differently in training.
///
/// Burn ties this to the device (anything on an autodiff device trains); here it is said
/// explicitly, because the training step also encodes without a graph and must then still see the
/// batch statistics of training.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Running statistics are used and left alone.
    Evaluation,
    /// Batch statistics are used.
    Training {
        /// Whether the running statistics move: true in exactly one of the passes over a batch.
        update_statistics: bool,
        /// What patch dropout draws from; the i-th image uses `seed + i`.
        seed: u64,
    },
}
