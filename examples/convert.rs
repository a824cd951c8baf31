//! Converts weights between formats: whatever loads here becomes a folder that open_clip or
//! transformers loads unchanged.
//!
//! ```text
//! cargo run --release --example convert -- --model ViT-B-32.pt --to open_clip --out vit-b-32
//! cargo run --release --example convert -- --model epoch_32.pt --quick-gelu false --to transformers --out mine
//! ```

#![recursion_limit = "256"]

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, ValueEnum};
use clip_examples::{Model, finish};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Converts a model's weights, configuration and image transform.
#[derive(Parser)]
struct Args {
    #[command(flatten)]
    model: Model,
    /// Whose files to write
    #[arg(long, value_enum)]
    to: Format,
    /// The folder to write them to
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
}

#[derive(Clone, Copy, ValueEnum)]
enum Format {
    /// open_clip_config.json and open_clip_model.safetensors
    #[value(name = "open_clip")]
    OpenClip,
    /// config.json, preprocessor_config.json and model.safetensors
    Transformers,
}

fn main() -> ExitCode {
    finish(run(&Args::parse()))
}

fn run(args: &Args) -> Result<()> {
    let clip = args.model.load()?;
    match args.to {
        Format::OpenClip => clip.save_open_clip(&args.out)?,
        Format::Transformers => clip.save_hugging_face(&args.out)?,
    }
    println!("wrote {}", args.out.display());
    Ok(())
}
