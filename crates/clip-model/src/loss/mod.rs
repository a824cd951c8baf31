//! The losses: dense forms to read and tiled forms to train with.
//!
//! A tiled form gives the loss and its analytic gradient at the features without ever holding the
//! matrix of all logits, and for a part of its rows alone where several devices share a batch.

mod distillation;
mod sigmoid;
mod softmax;
mod tiled;

pub use distillation::*;
pub use sigmoid::*;
pub use softmax::*;
pub use tiled::*;
