//! Broken shards to whole ones.

use std::path::Path;

use anyhow::{Result, bail};
use clap::Args;
use clip_data::{RepairOptions, RepairOutcome, ShardProgress, expand_shards, repair_shard};

use super::progress::Bar;
use super::size;

/// What the command line says.
#[derive(Args)]
#[command(
    long_about = "Write broken shards again with every sample that is complete in them, those behind \
    the damage too. A shard changes in one step; the broken one is kept as NAME.broken. The index.json \
    beside it is corrected. Whole shards stay as they are. Damage inside a file of a sample has no trace \
    that could be seen here: `verify` finds it by the index.",
    after_help = "Example:\n  cargo xtask data shards repair shards/000017.tar"
)]
pub struct RepairArgs {
    /// Shards: files, folders, globs, brace ranges, `@LIST`
    #[arg(required = true, value_name = "SHARDS")]
    shards: Vec<String>,
    /// Don't keep the broken shards
    #[arg(long)]
    discard: bool,
    /// Most bytes of a member; samples with larger ones are left out
    #[arg(long, value_name = "SIZE", default_value = "256M", value_parser = size::parse)]
    max_member_bytes: u64,
    /// How many faults of each shard are named
    #[arg(long, value_name = "N", default_value_t = 10)]
    named: usize,
}

/// Repairs and prints; an error when nothing was left of a shard.
pub fn run(args: &RepairArgs) -> Result<()> {
    let options = RepairOptions {
        keep_original: !args.discard,
        max_member_bytes: args.max_member_bytes,
        named: args.named,
    };
    let bar = Bar::of_shards();
    let shards = expand_shards(&args.shards)?;
    let of = shards.len() as u64;
    let (mut progress, mut repaired, mut lost) = (ShardProgress { of, ..Default::default() }, 0, 0);
    let mut said = String::new();
    for shard in &shards {
        let Some(path) = shard.file() else { bail!("{shard} is no file: fetch it first") };
        let report = repair_shard(path, options)?;
        progress.shards += 1;
        progress.samples += report.kept;
        bar.shards(progress);
        match report.outcome {
            RepairOutcome::Whole => continue,
            RepairOutcome::Rewritten => repaired += 1,
            RepairOutcome::NothingLeft => lost += 1,
        }
        let original = report.original.as_deref().map(kept).unwrap_or_default();
        said += &format!("{shard}: {} samples left{original}\n{}", report.kept, report.faults);
    }
    drop(bar);
    print!("{said}");
    println!("{repaired} of {of} shards repaired, {} samples in them all", progress.samples);
    if lost > 0 {
        bail!("{lost} shards have no complete sample left and stay as they are: get them again");
    }
    Ok(())
}

fn kept(original: &Path) -> String {
    format!(", the broken one is kept as {}", original.display())
}
