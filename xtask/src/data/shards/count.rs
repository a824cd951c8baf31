//! What shards hold.

use anyhow::{Result, bail};
use clap::Args;
use clip_data::{CountOptions, ShardOpener, count_shards};

use super::progress::Bar;
use super::size;

/// What the command line says.
#[derive(Args)]
pub struct CountArgs {
    /// Shards: files, folders, globs, brace ranges, `@LIST`
    #[arg(required = true, value_name = "SHARDS")]
    shards: Vec<String>,
    /// Believe the index.json beside the shards and read only those that it doesn't know
    #[arg(long)]
    index: bool,
    /// Print a line for each shard
    #[arg(long)]
    each: bool,
    /// How many faults are named
    #[arg(long, value_name = "N", default_value_t = 10)]
    named: usize,
}

/// Counts and prints; an error where a shard is broken, for then the counts are too small.
pub fn run(args: &CountArgs) -> Result<()> {
    let bar = Bar::of_shards();
    let options = CountOptions { use_index: args.index, named: args.named };
    let report = count_shards(&args.shards, &ShardOpener::default(), options, &mut |progress| {
        bar.shards(progress);
    })?;
    drop(bar);
    for shard in report.shards.iter().filter(|_| args.each) {
        let bytes = shard.bytes.map(|bytes| format!(", {}", size::show(bytes))).unwrap_or_default();
        println!("{}: {} samples{bytes}", shard.shard, shard.samples);
    }
    for (extension, count) in &report.members {
        println!("{extension}: {} members, {}", count.members, size::show(count.bytes));
    }
    let (samples, shards) = (report.samples(), report.shards.len());
    println!("{samples} samples in {shards} shards, {}", size::show(report.bytes()));
    if report.faults.total() > 0 {
        bail!("some samples could not be counted\n{}", report.faults);
    }
    Ok(())
}
