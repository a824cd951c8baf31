//! What is loaded.

use std::fs;
use std::io::Cursor;
use std::path::Path;

use anyhow::Result;
use clip_data::{RawSample, ShardOptions, ShardWriter};
use image::{ImageFormat, Rgb, RgbImage};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// In shards of ten thousand, read again and again.
const SAMPLES: u64 = 20_000;
/// In pixels: a file of noise then has 16 KB.
const SIDE: u32 = 72;

/// Where the shards are.
pub fn shards(folder: &Path) -> Vec<String> {
    vec![folder.join("pictures").to_string_lossy().into_owned()]
}

/// Writes shards of pictures of noise, all different, with names; all of them or none, once.
pub fn write(folder: &Path) -> Result<()> {
    let target = folder.join("pictures");
    if target.exists() {
        return Ok(());
    }
    let part = target.with_extension("part");
    let options = ShardOptions { append: true, ..ShardOptions::default() };
    let mut writer = ShardWriter::create(&part, options)?;
    for number in writer.samples()..SAMPLES {
        let mut noise = ChaCha8Rng::seed_from_u64(number);
        let image = RgbImage::from_fn(SIDE, SIDE, |_, _| Rgb(noise.random()));
        let mut png = Cursor::new(Vec::new());
        image.write_to(&mut png, ImageFormat::Png)?;
        let text = format!("picture {number} of many");
        writer.write(&RawSample {
            key: format!("{number:06}"),
            shard: "".into(),
            members: vec![("png".into(), png.into_inner()), ("txt".into(), text.into())],
        })?;
    }
    writer.finish()?;
    Ok(fs::rename(part, target)?)
}
