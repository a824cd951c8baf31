//! The loader's memory.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result};
use clip_data::{LoaderConfig, PairLoader};
use clip_model::{Tokenizer, VOCAB_SIZE};

use super::{mean, pictures};

/// The last tenth may hold 5 percent more than the first.
pub const GOAL: f64 = 0.95;

const BATCH: usize = 500;
const IMAGE_SIZE: usize = 32;
const BYTES_OF_PAGE: f64 = 4096.0;

/// Mean megabytes during the first and the last tenth of so many samples.
pub fn measure(folder: &Path, samples: u64) -> Result<(f64, f64)> {
    pictures::write(folder)?;
    let config = LoaderConfig::new(pictures::shards(folder), BATCH, IMAGE_SIZE);
    let tokenizer = Arc::new(Tokenizer::new(16, VOCAB_SIZE)?);
    let mut batches = PairLoader::new(config, tokenizer)?;
    let tenth = (samples as usize / 10 / BATCH).max(1);
    let mut resident = Vec::new();
    for _ in 0..10 * tenth {
        batches.next().context("the loader has an end")??;
        resident.push(megabytes()?);
    }
    Ok((mean(&resident, 0..tenth), mean(&resident, 9 * tenth..10 * tenth)))
}

/// Megabytes of memory that the process has now.
fn megabytes() -> Result<f64> {
    let numbers = fs::read_to_string("/proc/self/statm").context("memory is told by Linux only")?;
    let pages: f64 = numbers.split(' ').nth(1).context("no resident pages in statm")?.parse()?;
    Ok(pages * BYTES_OF_PAGE / 1e6)
}
