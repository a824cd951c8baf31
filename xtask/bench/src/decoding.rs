//! JPEGs of 500 x 375 pixels to crops of 224 x 224, in batches.

use std::path::Path;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail, ensure};
use clip_data::{
    DEFAULT_MAX_MEMBER_BYTES, DEFAULT_MAX_PIXELS, LoaderConfig, PairLoader, ShardOpener,
    ShardReader, Stream, TrainTransform, ViewMaker, expand_shards, sample_rng,
};
use clip_model::{Tokenizer, VOCAB_SIZE};

use crate::WORKERS;
use crate::measure::{Rounds, rate};
use crate::peer::Peer;
use crate::row::Row;

const IMAGE_SIZE: usize = 224;
const BATCH: usize = 128;
const CONTEXT: usize = 77;
/// Batches before the clock starts: both sides fill their queues.
const WARM_UP: usize = 2;

/// How JPEGs are decoded.
pub struct Kind {
    /// What `--only` calls it.
    pub name: &'static str,
    scaled: bool,
    goal: f64,
}

/// Pixel for pixel as the peer's, and at a reduced size where the crop allows it.
pub const ALL: [Kind; 2] = [
    Kind { name: "decode and crop, exact", scaled: false, goal: 2.0 },
    Kind { name: "decode and crop, scaled", scaled: true, goal: 3.5 },
];

/// What `--only` calls the loader against a bare loop.
pub const PIPELINE: &str = "pipeline";

/// No more than 15 percent may be lost.
const PIPELINE_GOAL: f64 = 0.85;

/// The whole loader, with captions and tokens, against webdataset, Pillow and torchvision in two
/// workers of a DataLoader, which gives normalised images and no tokens. Ours are bytes, for the
/// model normalises them on its device.
pub fn measure(kind: &Kind, folder: &Path, peer: &mut Peer, rounds: &Rounds) -> Result<Row> {
    if kind.scaled && !cfg!(feature = "turbojpeg") {
        bail!("scaled decoding needs `--features turbojpeg`; or leave it out with `--only exact`");
    }
    let measured = rounds.interleave(
        |length| load(folder, kind.scaled, length),
        |length| peer.rate("decode", length),
    )?;
    let peers = [peer.package("webdataset"), peer.package("Pillow"), peer.package("torch")];
    Ok(Row::new(kind.name, &measured, peers.join(", "), "images/s", kind.goal))
}

/// The loader against threads that decode and crop from memory and do nothing else.
pub fn measure_pipeline(folder: &Path, rounds: &Rounds) -> Result<Row> {
    let scaled = cfg!(feature = "turbojpeg");
    let images = images(folder)?;
    let measured = rounds.interleave(
        |length| load(folder, scaled, length),
        |length| decode(&images, transform(scaled), length),
    )?;
    let name = format!("our decoder and resizer alone, {WORKERS} threads");
    Ok(Row::new(PIPELINE, &measured, name, "images/s", PIPELINE_GOAL))
}

fn transform(scaled_decoding: bool) -> TrainTransform {
    TrainTransform { scaled_decoding, ..TrainTransform::open_clip(IMAGE_SIZE) }
}

fn shards(folder: &Path) -> Vec<String> {
    vec![folder.join("photos").to_string_lossy().into_owned()]
}

/// Images a second of the loader.
fn load(folder: &Path, scaled: bool, length: Duration) -> Result<f64> {
    let mut config = LoaderConfig::new(shards(folder), BATCH, IMAGE_SIZE);
    config.transform = transform(scaled);
    config.options.threads = WORKERS;
    // The peer doesn't shuffle either.
    config.options.shuffle_buffer = 0;
    let tokenizer = Arc::new(Tokenizer::new(CONTEXT, VOCAB_SIZE)?);
    let mut batches = PairLoader::new(config, tokenizer)?;
    let mut next = || Ok(batches.next().context("the loader has an end")??.batch);
    for _ in 0..WARM_UP {
        next()?;
    }
    rate(length, next)
}

/// All encoded images.
fn images(folder: &Path) -> Result<Vec<Vec<u8>>> {
    let mut images = Vec::new();
    for shard in expand_shards(&shards(folder))? {
        let samples = ShardReader::open(&shard, &ShardOpener::default(), DEFAULT_MAX_MEMBER_BYTES)?;
        for sample in samples {
            images.extend(sample?.member("jpg").map(<[u8]>::to_vec));
        }
    }
    ensure!(!images.is_empty(), "no image in {}", folder.display());
    Ok(images)
}

/// Images a second of a bare loop on each thread.
fn decode(images: &[Vec<u8>], transform: TrainTransform, length: Duration) -> Result<f64> {
    let start = Instant::now();
    let work = |first: usize| -> Result<usize> {
        let mut maker = ViewMaker::new(transform.clone(), DEFAULT_MAX_PIXELS);
        let mut count = 0;
        for (index, bytes) in images.iter().enumerate().cycle().skip(first).step_by(WORKERS) {
            if start.elapsed() >= length {
                break;
            }
            let mut rng = sample_rng(0, 0, index as u64, Stream::Augment);
            std::hint::black_box(maker.view_bytes(bytes, &mut rng)?);
            count += 1;
        }
        Ok(count)
    };
    let count = thread::scope(|scope| {
        let threads: Vec<_> = (0..WORKERS).map(|first| scope.spawn(move || work(first))).collect();
        let counts = threads.into_iter().map(|thread| thread.join());
        counts.map(|count| count.map_err(|_| anyhow!("a thread panicked"))?).sum::<Result<usize>>()
    })?;
    Ok(count as f64 / start.elapsed().as_secs_f64())
}
