//! Images and captions to shards.

use std::path::PathBuf;

use anyhow::Result;
use clap::{Args, ValueEnum};
use clip_data::{KeyRule, PackOptions, ShardCompression, ShardOptions, ShardWriter, pack_shards};

use super::progress::Bar;
use super::size;

/// What the command line says.
#[derive(Args)]
#[command(
    long_about = "Make shards from images and captions. Images are copied as they are.\n\n\
    A source is a folder (each NAME.png, .jpg, .jpeg or .webp with NAME.txt, NAME.json or NAME.cls \
    beside it, in folders below too), a .csv or .tsv file with a header, a .jsonl file, or a .parquet \
    file (snappy, gzip or no compression), with an image and a caption a row.\n\n\
    Beside the shards, index.json has the number of samples, size and SHA-256 of each, and sizes.json \
    the number of samples as open_clip and img2dataset users have it.",
    after_help = "Examples:\n  \
    cargo xtask data shards build photos --out shards\n  \
    cargo xtask data shards build photos/captions.csv --csv-img-key file --csv-caption-key text --out \
    shards\n  \
    cargo xtask data shards build metadata/*.parquet --csv-img-key image.bytes --csv-caption-key \
    caption --out shards --max-bytes 500M"
)]
pub struct BuildArgs {
    /// Folders and tables, in the order in which they are packed
    #[arg(required = true, value_name = "SOURCE")]
    sources: Vec<PathBuf>,
    /// Folder for the shards
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Go on behind the shards that are in the folder already
    #[arg(long)]
    append: bool,
    /// What the shards' names begin with
    #[arg(long, value_name = "TEXT", default_value = "")]
    prefix: String,
    /// Digits of the shards' numbers
    #[arg(long, value_name = "N", default_value_t = 6, value_parser = clap::value_parser!(u8).range(1..=12))]
    digits: u8,
    /// Most samples of a shard
    #[arg(long, value_name = "N", default_value_t = 10_000, value_parser = clap::value_parser!(u64).range(1..))]
    max_samples: u64,
    /// Most bytes of a shard, before compression; K, M and G are understood
    #[arg(long, value_name = "SIZE", default_value = "1G", value_parser = size::parse)]
    max_bytes: u64,
    /// Compression of the shards
    #[arg(long, value_enum, default_value_t = Compression::None)]
    compression: Compression,
    /// Column or field with the image's path, or in parquet with its bytes
    #[arg(long, value_name = "NAME", default_value = "filepath")]
    csv_img_key: String,
    /// Column or field with the caption
    #[arg(long, value_name = "NAME", default_value = "title")]
    csv_caption_key: String,
    /// What separates columns [default: a tab in .tsv files, a comma in others]
    #[arg(long, value_name = "CHARACTER", value_parser = separator)]
    csv_separator: Option<u8>,
    /// Folder that paths in tables start from [default: the table's own]
    #[arg(long, value_name = "DIR")]
    root: Option<PathBuf>,
    /// Names of the samples [default: name for folders, number for tables]
    #[arg(long, value_enum)]
    keys: Option<Keys>,
    /// Most bytes of an image; larger ones are passed over
    #[arg(long, value_name = "SIZE", default_value = "256M", value_parser = size::parse)]
    max_image_bytes: u64,
    /// Stop with exit status 1 when more images than this can't be used [default: never]
    #[arg(long, value_name = "N")]
    max_bad: Option<u64>,
    /// How many images that can't be used are named
    #[arg(long, value_name = "N", default_value_t = 10)]
    named: usize,
}

#[derive(Clone, Copy, ValueEnum)]
enum Compression {
    /// .tar
    None,
    /// .tar.gz
    Gzip,
}

#[derive(Clone, Copy, ValueEnum)]
enum Keys {
    /// 000000000 and so on
    Number,
    /// The image's path without its extension, `_` for other dots in its file name
    Name,
}

fn separator(text: &str) -> Result<u8, String> {
    match text {
        "\\t" | "tab" => Ok(b'\t'),
        _ if text.len() == 1 && !["\"", "\n", "\r"].contains(&text) => Ok(text.as_bytes()[0]),
        _ => Err("give one ASCII character, or `tab`".to_owned()),
    }
}

/// Makes the shards.
pub fn run(args: &BuildArgs) -> Result<()> {
    let shards = ShardOptions {
        prefix: args.prefix.clone(),
        digits: args.digits.into(),
        max_samples: args.max_samples,
        max_bytes: args.max_bytes,
        compression: match args.compression {
            Compression::None => ShardCompression::None,
            Compression::Gzip => ShardCompression::Gzip,
        },
        append: args.append,
    };
    let options = PackOptions {
        image_column: args.csv_img_key.clone(),
        caption_column: args.csv_caption_key.clone(),
        separator: args.csv_separator,
        root: args.root.clone(),
        keys: args.keys.map(|keys| match keys {
            Keys::Number => KeyRule::Number,
            Keys::Name => KeyRule::Name,
        }),
        max_image_bytes: args.max_image_bytes,
        max_bad: args.max_bad,
        named: args.named,
    };
    let writer = ShardWriter::create(&args.out, shards)?;
    let bar = Bar::open_ended();
    let report = pack_shards(&args.sources, writer, &options, &mut |report| {
        bar.show(report.written, report.faults.total());
    })?;
    drop(bar);
    println!("{} samples written, {} passed over", report.written, report.faults.total());
    print!("{}", report.faults);
    let (index, out) = (&report.index, args.out.display());
    let (shards, samples, bytes) = (index.shards.len(), index.samples(), size::show(index.bytes()));
    println!("{out} holds {samples} samples in {shards} shards, {bytes}");
    Ok(())
}
