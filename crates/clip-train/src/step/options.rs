use super::Precision;

/// How the gradient of a batch is computed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StepOptions {
    /// Pairs whose activations are held at once; no effect on the result beyond rounding. One
    /// smaller than the batch costs one more forward pass.
    pub micro_batch: usize,
    /// Rows and columns of logits held at once; no effect on the result beyond rounding.
    pub tile: usize,
    /// Keep only the inputs of a tower's blocks and compute the rest again on the way back: less
    /// memory for one more forward pass, and another one where the batch is one micro-batch.
    pub recompute: bool,
    /// What the towers compute in.
    pub precision: Precision,
    /// Factor on the loss while gradients are computed, which keeps small ones above f16's least
    /// number; they come out without it.
    pub loss_scale: f64,
    /// Leave the running statistics of batch normalisation as they are, and use them.
    pub freeze_batch_norm: bool,
}

impl StepOptions {
    /// A batch of any size at once, in f32.
    pub fn whole() -> Self {
        Self {
            micro_batch: usize::MAX,
            tile: 512,
            recompute: false,
            precision: Precision::F32,
            loss_scale: 1.0,
            freeze_batch_norm: false,
        }
    }
}
