//! What crosses crates: parity with open_clip, properties of the training step, whole runs.
#![recursion_limit = "256"]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod golden;
mod learning;
mod parity;
mod pretrain;
mod step;
mod wgpu;
