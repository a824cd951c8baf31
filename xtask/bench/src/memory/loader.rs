//! The loader's memory.

use std::path::Path;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result};
use clip_data::{LoaderConfig, PairLoader};
use clip_model::{Tokenizer, VOCAB_SIZE};

use super::{Amounts, Figure, Memory, pictures};

/// The loader's memory over many samples: the last tenth may hold 5 percent more than the first.
pub const LOADER: Figure = Figure {
    name: "memory of the loader",
    done: |amounts| format!("{} samples", amounts.samples),
    early: "the first tenth",
    warmup: 0,
    goal: 0.95,
    keeps_pages: false,
    measure,
};

const BATCH: usize = 500;
const IMAGE_SIZE: usize = 32;
const LOOKS: usize = 100;
const PAUSE: Duration = Duration::from_secs(1);

/// A hundred times, each when the loader has had time to fill its queues: how full they are otherwise
/// is a matter of who is faster.
fn measure(folder: &Path, amounts: Amounts) -> Result<Memory> {
    pictures::write(folder)?;
    let config = LoaderConfig::new(pictures::shards(folder), BATCH, IMAGE_SIZE);
    let tokenizer = Arc::new(Tokenizer::new(16, VOCAB_SIZE)?);
    let mut batches = PairLoader::new(config, tokenizer)?;
    let between = (amounts.samples as usize / BATCH / LOOKS).max(1);
    let mut memory = Memory::of(LOOKS);
    for _ in 0..LOOKS {
        for _ in 0..between {
            batches.next().context("the loader has an end")??;
        }
        thread::sleep(PAUSE);
        memory.look()?;
    }
    Ok(memory)
}
