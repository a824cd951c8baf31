//! The loader's memory.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result};
use clip_data::{LoaderConfig, PairLoader};
use clip_model::{Tokenizer, VOCAB_SIZE};

use super::{Amounts, Figure, mean, pictures};
use crate::apart;

/// The loader's memory over many samples: the last tenth may hold 5 percent more than the first.
pub const LOADER: Figure = Figure {
    name: "memory of the loader",
    done: |amounts| format!("{} samples", amounts.samples),
    early: "the first tenth",
    goal: 0.95,
    measure,
};

const BATCH: usize = 500;
const IMAGE_SIZE: usize = 32;

/// Mean megabytes during the first and the last tenth of so many samples.
fn measure(folder: &Path, amounts: Amounts) -> Result<(f64, f64)> {
    pictures::write(folder)?;
    let config = LoaderConfig::new(pictures::shards(folder), BATCH, IMAGE_SIZE);
    let tokenizer = Arc::new(Tokenizer::new(16, VOCAB_SIZE)?);
    let mut batches = PairLoader::new(config, tokenizer)?;
    let tenth = (amounts.samples as usize / 10 / BATCH).max(1);
    let mut resident = Vec::new();
    for _ in 0..10 * tenth {
        batches.next().context("the loader has an end")??;
        resident.push(apart::status("VmRSS:")?);
    }
    Ok((mean(&resident, 0..tenth), mean(&resident, 9 * tenth..10 * tenth)))
}
