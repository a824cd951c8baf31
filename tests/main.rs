//! What crosses crates: parity with open_clip, properties of the training step, whole runs.
#![recursion_limit = "256"]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of tests, which a panic fails"
)]

mod bench;
mod benchmark;
mod examples;
mod formats;
mod golden;
mod hostile;
mod interruption;
mod learner;
mod learning;
#[cfg(target_os = "linux")]
mod memory;
mod parity;
mod pretrain;
mod pretrained;
mod program;
mod recipes;
mod step;
mod training;
mod wgpu;
