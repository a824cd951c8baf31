//! Whether the loader's memory stays what it is.

use std::fs;
use std::io::Cursor;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result};
use clip_data::{LoaderConfig, PairLoader};
use clip_model::{Tokenizer, VOCAB_SIZE};
use image::{DynamicImage, ImageFormat, Rgb, RgbImage};
use tar::{Builder, Header};

use crate::row::Row;

const SHARDS: usize = 10;
const SAMPLES_OF_SHARD: usize = 10_000;
const BATCH: usize = 500;
const IMAGE_SIZE: usize = 16;
/// The last tenth may hold 5 percent more than the first.
const GOAL: f64 = 0.95;
const BYTES_OF_PAGE: f64 = 4096.0;

/// The memory in the last tenth of the samples against that in the first, each on average: queues
/// are fuller at one moment than at another.
pub fn measure(folder: &Path, samples: u64, rounds: usize) -> Result<Row> {
    let folder = folder.join("drawings");
    write_shards(&folder)?;
    let tenth = (samples / 10 / BATCH as u64).max(1);
    let measured: Vec<_> =
        (0..rounds.max(1)).map(|_| measure_once(&folder, tenth)).collect::<Result<_>>()?;
    let name = format!("memory, {} samples", 10 * tenth * BATCH as u64);
    // Less memory is better, so the first tenth's is what is compared with the last's.
    Ok(Row::new(name, &measured, "the last tenth; ours is the first".to_owned(), "MB", GOAL))
}

/// Mean megabytes during the first and the last `tenth` batches of ten times as many.
fn measure_once(folder: &Path, tenth: u64) -> Result<(f64, f64)> {
    let shards = vec![folder.to_string_lossy().into_owned()];
    let config = LoaderConfig::new(shards, BATCH, IMAGE_SIZE);
    let tokenizer = Arc::new(Tokenizer::new(16, VOCAB_SIZE)?);
    let mut batches = PairLoader::new(config, tokenizer)?;
    let (mut first, mut last) = (0.0, 0.0);
    for batch in 0..10 * tenth {
        batches.next().context("the loader has an end")??;
        let megabytes = resident()? / tenth as f64;
        if batch < tenth {
            first += megabytes;
        } else if batch >= 9 * tenth {
            last += megabytes;
        }
    }
    Ok((first, last))
}

/// Megabytes of memory that the process has now.
fn resident() -> Result<f64> {
    let numbers = fs::read_to_string("/proc/self/statm").context("memory is told by Linux only")?;
    let pages: f64 = numbers.split(' ').nth(1).context("no resident pages in statm")?.parse()?;
    Ok(pages * BYTES_OF_PAGE / 1e6)
}

/// Shards of tiny drawings, all different, with names.
fn write_shards(folder: &Path) -> Result<()> {
    fs::create_dir_all(folder)?;
    for shard in 0..SHARDS {
        let path = folder.join(format!("{shard}.tar"));
        let file =
            fs::File::create(&path).with_context(|| format!("cannot write {}", path.display()))?;
        let mut tar = Builder::new(std::io::BufWriter::new(file));
        for number in shard * SAMPLES_OF_SHARD..(shard + 1) * SAMPLES_OF_SHARD {
            let shade = |x: u32, y: u32| Rgb([number as u8, (number >> 8) as u8, (x * y) as u8]);
            let image = DynamicImage::ImageRgb8(RgbImage::from_fn(8, 8, shade));
            let mut png = Cursor::new(Vec::new());
            image.write_to(&mut png, ImageFormat::Png)?;
            append(&mut tar, &format!("{number:06}.png"), png.get_ref())?;
            let text = format!("drawing {number} of many");
            append(&mut tar, &format!("{number:06}.txt"), text.as_bytes())?;
        }
        tar.into_inner()?;
    }
    Ok(())
}

fn append(tar: &mut Builder<impl std::io::Write>, name: &str, bytes: &[u8]) -> Result<()> {
    let mut header = Header::new_gnu();
    header.set_size(bytes.len() as u64);
    header.set_mode(0o644);
    Ok(tar.append_data(&mut header, name, bytes)?)
}
