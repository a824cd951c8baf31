//! Writing the splits, in an order drawn from the fixed seed.

use std::path::Path;

use anyhow::{Context, Result};
use image::DynamicImage;
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

use crate::data::output::{ShardRecord, ShardWriter, Spool};
use crate::data::picture::{self, png};
use crate::data::progress::Progress;
use crate::data::stop::Stop;

use super::catalog::SEED;
use super::draw::Drawing;
use super::wanted::Split;

/// Writes the shards of a split.
pub fn pack(
    folder: &Path,
    split: Split,
    drawings: &[Drawing],
    spool: &mut Spool,
    (progress, stop): (&Progress, &Stop),
) -> Result<Vec<ShardRecord>> {
    let mut order: Vec<&Drawing> =
        drawings.iter().filter(|drawing| drawing.split == split).collect();
    order.sort_by(|left, right| left.key.cmp(&right.key));
    order.shuffle(&mut ChaCha8Rng::seed_from_u64(SEED));
    let mut writer = ShardWriter::new(folder, split.name());
    for drawing in order {
        stop.check()?;
        let mut image = spool.read(drawing.image)?;
        if split == Split::Validation {
            image = whiten(&image).with_context(|| format!("on {}", drawing.key))?;
        }
        let label = spool.read(drawing.label)?;
        writer.add(&drawing.key, &[(png::EXTENSION, &image), ("json", &label)])?;
        progress.step();
    }
    writer.finish()
}

/// A drawing made for training, on the background of tests.
fn whiten(file: &[u8]) -> Result<Vec<u8>> {
    let image = image::load_from_memory(file)?.into_rgba8();
    png::encode(&DynamicImage::from(picture::on_white(&image)))
}
