//! Writing the splits, in an order drawn from the fixed seed.

use std::path::Path;

use anyhow::{Context, Result};
use clip_data::{IndexedShard, RawSample, on_white};
use image::DynamicImage;
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

use crate::data::output::{Spool, split_writer};
use crate::data::picture::png;
use crate::data::progress::Progress;
use crate::data::stop::Stop;

use super::catalog::SEED;
use super::draw::Drawing;
use super::wanted::Split;

/// Writes the shards of a split. Returns those that the folder has then.
pub fn pack(
    folder: &Path,
    split: Split,
    drawings: &[Drawing],
    spool: &mut Spool,
    (progress, stop): (&Progress, &Stop),
) -> Result<Vec<IndexedShard>> {
    let mut order: Vec<&Drawing> =
        drawings.iter().filter(|drawing| drawing.split == split).collect();
    order.sort_by(|left, right| left.key.cmp(&right.key));
    order.shuffle(&mut ChaCha8Rng::seed_from_u64(SEED));
    let mut writer = split_writer(folder, split.name())?;
    for drawing in order {
        stop.check()?;
        let mut image = spool.read(drawing.image)?;
        if split == Split::Validation {
            image = whiten(&image).with_context(|| format!("on {}", drawing.key))?;
        }
        let label = spool.read(drawing.label)?;
        writer.write(&RawSample {
            key: drawing.key.clone(),
            shard: "".into(),
            members: vec![(png::EXTENSION.into(), image), ("json".into(), label)],
        })?;
        progress.step();
    }
    Ok(writer.finish()?.shards)
}

/// A drawing made for training, on the background of tests.
fn whiten(file: &[u8]) -> Result<Vec<u8>> {
    let image = image::load_from_memory(file)?.into_rgba8();
    png::encode(&DynamicImage::from(on_white(&image)))
}
