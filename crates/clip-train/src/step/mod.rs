//! The training step: from a batch to the gradient of every parameter.
//!
//! ```text
//! encode      features of each micro-batch, without a graph if there are several
//! exchange    every rank gets the texts of all
//! loss        at the features, in tiles, with its derivative there
//! backward    each micro-batch again, with the same random numbers, down from that derivative
//! ```
//!
//! The gradient is that of the dense loss over the whole batch, however the batch is cut and over
//! however many ranks it is spread. Losses without contrast (`predictive.rs`) go without the exchange
//! of features.

mod exchange;
mod gradients;
mod loss;
mod objective;
mod options;
mod pairs;
mod precision;
mod predictive;
mod ranks;
mod recompute;
mod sum;

pub use exchange::{Exchange, RankLost};
pub use gradients::*;
pub use objective::*;
pub use options::*;
pub use pairs::*;
pub use precision::*;
pub use ranks::*;
