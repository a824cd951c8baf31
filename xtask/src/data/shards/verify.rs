//! Whether shards are whole.

use anyhow::{Result, bail};
use clap::Args;
use clip_data::{CaptionFields, ShardOpener, VerifyOptions, verify_shards};

use super::progress::Bar;
use super::size;

/// What the command line says.
#[derive(Args)]
#[command(
    long_about = "Check that every shard can be read to its end mark and is what the index.json beside \
    it says, where there is one (size, SHA-256, number of samples), and that every sample has an image \
    and a caption. Faults are counted by cause, the first ones named. Exit status 1 when there is any.",
    after_help = "Example:\n  cargo xtask data shards verify shards --decode"
)]
pub struct VerifyArgs {
    /// Shards: files, folders, globs, brace ranges, `@LIST`
    #[arg(required = true, value_name = "SHARDS")]
    shards: Vec<String>,
    /// Decode every image too, which takes by far the longest
    #[arg(long)]
    decode: bool,
    /// Most pixels of an image
    #[arg(long, value_name = "N", default_value_t = clip_data::DEFAULT_MAX_PIXELS)]
    max_pixels: u64,
    /// Most bytes of a member
    #[arg(long, value_name = "SIZE", default_value = "256M", value_parser = size::parse)]
    max_member_bytes: u64,
    /// Field of a `json` member with the caption, in samples without a `txt` member
    #[arg(long, value_name = "NAME", default_value = "name")]
    caption_field: String,
    /// How many faults are named
    #[arg(long, value_name = "N", default_value_t = 10)]
    named: usize,
}

/// Checks and prints; an error when anything is wrong.
pub fn run(args: &VerifyArgs) -> Result<()> {
    let options = VerifyOptions {
        decode: args.decode,
        max_pixels: args.max_pixels,
        max_member_bytes: args.max_member_bytes,
        captions: CaptionFields { name: args.caption_field.clone(), ..CaptionFields::default() },
        named: args.named,
    };
    let bar = Bar::of_shards();
    let report = verify_shards(&args.shards, &ShardOpener::default(), &options, &mut |progress| {
        bar.shards(progress);
    })?;
    drop(bar);
    let (shards, samples, indexed) = (report.shards, report.samples, report.indexed);
    println!("{samples} samples in {shards} shards, {indexed} of them compared with their index");
    if report.faults.total() > 0 {
        let broken: String =
            report.broken.iter().map(|shard| format!("broken: {shard}\n")).collect();
        bail!("{} faults\n{}{broken}", report.faults.total(), report.faults);
    }
    println!("nothing is wrong");
    Ok(())
}
