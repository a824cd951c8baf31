//! Whether the loader's memory stays what it is.

use std::env;
use std::fs;
use std::io::Cursor;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use clip_data::{LoaderConfig, PairLoader, RawSample, ShardOptions, ShardWriter};
use clip_model::{Tokenizer, VOCAB_SIZE};
use image::{DynamicImage, ImageFormat, Rgb, RgbImage};

use crate::row::Row;

/// In shards of ten thousand.
const SAMPLES: u64 = 100_000;
const BATCH: usize = 500;
const IMAGE_SIZE: usize = 16;
/// The last tenth may hold 5 percent more than the first.
const GOAL: f64 = 0.95;
const BYTES_OF_PAGE: f64 = 4096.0;

/// The memory in the last tenth of the samples against that in the first, each on average: queues
/// are fuller at one moment than at another. Each round is in a process of its own, for what one
/// leaves allocated would be in the next one's first tenth.
pub fn measure(folder: &Path, samples: u64, rounds: usize) -> Result<Row> {
    let drawings = folder.join("drawings");
    write_shards(&drawings)?;
    let tenth = (samples / 10 / BATCH as u64).max(1);
    let measured = match rounds {
        0 | 1 => vec![measure_once(&drawings, tenth)?],
        _ => (0..rounds).map(|_| measure_apart(folder, samples)).collect::<Result<_>>()?,
    };
    let name = format!("memory, {} samples", 10 * tenth * BATCH as u64);
    let measured: Vec<(f64, f64)> =
        measured.into_iter().map(|(first, last)| (last, first)).collect();
    Ok(Row::less_is_better(
        name,
        &measured,
        "the first tenth; ours is the last".to_owned(),
        "MB",
        GOAL,
    ))
}

/// One round, by this program.
fn measure_apart(folder: &Path, samples: u64) -> Result<(f64, f64)> {
    let json = folder.join("memory.json");
    let status = Command::new(env::current_exe()?)
        .args(["memory", "--rounds", "1", "--samples", &samples.to_string()])
        .arg("--data")
        .arg(folder)
        .arg("--json")
        .arg(&json)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .context("cannot run the measurement")?;
    ensure!(status.success(), "a round failed; see `--rounds 1`");
    let rows: Vec<Row> = serde_json::from_slice(&fs::read(&json)?)?;
    let row = rows.first().context("a round without a figure")?;
    println!("  {:.1} MB in the first tenth, {:.1} MB in the last", row.peer, row.ours);
    Ok((row.peer, row.ours))
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

/// Shards of tiny drawings, all different, with names; all of them or none, once.
fn write_shards(target: &Path) -> Result<()> {
    if target.exists() {
        return Ok(());
    }
    let folder = target.with_extension("part");
    let options = ShardOptions { append: true, ..ShardOptions::default() };
    let mut writer = ShardWriter::create(&folder, options)?;
    for number in writer.samples()..SAMPLES {
        let shade = |x: u32, y: u32| Rgb([number as u8, (number >> 8) as u8, (x * y) as u8]);
        let image = DynamicImage::ImageRgb8(RgbImage::from_fn(8, 8, shade));
        let mut png = Cursor::new(Vec::new());
        image.write_to(&mut png, ImageFormat::Png)?;
        let text = format!("drawing {number} of many");
        writer.write(&RawSample {
            key: format!("{number:06}"),
            shard: "".into(),
            members: vec![("png".into(), png.into_inner()), ("txt".into(), text.into())],
        })?;
    }
    writer.finish()?;
    Ok(fs::rename(folder, target)?)
}
