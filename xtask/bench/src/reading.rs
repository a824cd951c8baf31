//! Samples out of local tars, undecoded.

use std::hint::black_box;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow, ensure};
use clip_data::{DEFAULT_MAX_MEMBER_BYTES, Location, ShardOpener, ShardReader, expand_shards};

use crate::WORKERS;
use crate::measure::Rounds;
use crate::peer::Peer;
use crate::row::Row;

/// A kind of shards.
pub struct Shards {
    /// What `--only` calls it.
    pub name: &'static str,
    /// The folder with the shards.
    pub folder: &'static str,
}

/// Photographs of 10 to 30 kB with a text and metadata; and samples of a hundred bytes.
pub const ALL: [Shards; 2] = [
    Shards { name: "reading photographs", folder: "raw" },
    Shards { name: "reading tiny samples", folder: "tiny" },
];

/// The forms of the peer; the fastest counts.
const FORMS: [(&str, &str); 3] =
    [("single", "one process"), ("workers", "2 workers"), ("batched", "2 workers, batches of 64")];

/// At least so many times as fast.
const GOAL: f64 = 5.0;

/// Ours on two threads against the fastest form of Python's webdataset.
pub fn measure(shards: &Shards, folder: &Path, peer: &mut Peer, rounds: &Rounds) -> Result<Row> {
    let spec = folder.join(shards.folder).to_string_lossy().into_owned();
    let locations = expand_shards(&[spec])?;
    let mut best: Option<Row> = None;
    for (form, description) in FORMS {
        let command = format!("read-{form}-{}", shards.folder);
        let measured = rounds
            .interleave(|length| read(&locations, length), |length| peer.rate(&command, length))?;
        let name = format!("{}, {description}", peer.package("webdataset"));
        let row = Row::new(shards.name, &measured, name, "samples/s", GOAL);
        if best.as_ref().is_none_or(|best| best.peer < row.peer) {
            best = Some(row);
        }
    }
    best.ok_or_else(|| anyhow!("no peer was measured"))
}

/// Samples a second; the threads take whole shards in turn.
fn read(shards: &[Location], length: Duration) -> Result<f64> {
    let (start, next) = (Instant::now(), AtomicUsize::new(0));
    let work = || -> Result<usize> {
        let mut count = 0;
        while start.elapsed() < length {
            let shard = &shards[next.fetch_add(1, Ordering::Relaxed) % shards.len()];
            let samples =
                ShardReader::open(shard, &ShardOpener::default(), DEFAULT_MAX_MEMBER_BYTES)?;
            for sample in samples {
                black_box(sample?);
                count += 1;
            }
        }
        Ok(count)
    };
    let count = thread::scope(|scope| {
        let threads: Vec<_> = (0..WORKERS).map(|_| scope.spawn(work)).collect();
        let counts = threads.into_iter().map(|thread| thread.join());
        counts.map(|count| count.map_err(|_| anyhow!("a thread panicked"))?).sum::<Result<usize>>()
    })?;
    ensure!(count > 0, "no sample was read");
    Ok(count as f64 / start.elapsed().as_secs_f64())
}
