//! The contrastive loss: a dense form to read and a tiled form to train with.

mod softmax;

pub use softmax::*;
