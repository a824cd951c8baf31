//! How a CLIP comes to be: the exact large-batch training step, schedule, checkpoints, resume.
//!
//! ```text
//! shards -> PairLoader -> ClipBatch -> features -> loss at the features -> gradients -> AdamW
//! ```
//!
//! [`Trainer`] is the whole loop; [`batch_gradients`] is the step alone, for loops of one's
//! own.
//!
//! Burn supplies the optimizer, the records, the interrupter and the dashboard. Its `Learner` is
//! not used: it keeps the optimizer to itself, so that a checkpoint could not hold the optimizer,
//! the position in the data and the model as one set that appears whole or not at all.

#![recursion_limit = "256"]

mod checkpoint;
mod config;
mod error;
mod files;
mod journal;
mod learner;
mod memory;
mod optimizer;
mod progress;
pub mod report;
mod run_folder;
mod schedule;
mod step;
mod trainer;
pub mod view;

pub use checkpoint::*;
pub use config::*;
pub use error::*;
pub use journal::*;
pub use learner::*;
pub use optimizer::*;
pub use progress::*;
pub use run_folder::*;
pub use schedule::*;
pub use step::*;
pub use trainer::*;
