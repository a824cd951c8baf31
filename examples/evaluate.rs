//! Measures a model on labelled or captioned images: zero-shot classification, retrieval, loss.
//!
//! ```text
//! cargo run --release --example evaluate -- --model runs/pretrain-1/export
//! ```

#![recursion_limit = "256"]

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, ValueEnum};
use clip_data::{CaptionDraw, ShardOpener};
use clip_examples::{Model, finish};
use clip_train::{Evaluator, Loss};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Measures a model on images with labels or captions.
#[derive(Parser)]
struct Args {
    #[command(flatten)]
    model: Model,
    /// Shards or an image folder
    #[arg(long, value_name = "SHARDS", num_args = 1.., default_values_t = [SAMPLE.to_string()])]
    data: Vec<String>,
    /// What class names are put into [default: those of the drawings' captions]
    #[arg(long, value_name = "TEXT WITH {}", num_args = 1..)]
    templates: Vec<String>,
    /// What the model was trained with: the loss on held-out pairs, and how it names images
    #[arg(long, value_enum, default_value_t = Trained::Softmax)]
    loss: Trained,
    /// Pairs that are each other's negatives in the held-out loss
    #[arg(long, value_name = "N", default_value_t = 256)]
    batch_size: usize,
}

#[derive(Clone, Copy, ValueEnum)]
enum Trained {
    Softmax,
    Sigmoid,
    BagOfWords,
    Caption,
}

impl From<Trained> for Loss {
    fn from(loss: Trained) -> Self {
        match loss {
            Trained::Softmax => Self::Softmax,
            Trained::Sigmoid => Self::Sigmoid,
            Trained::BagOfWords => Self::BagOfWords,
            Trained::Caption => Self::Caption,
        }
    }
}

const SAMPLE: &str = "assets/sample/test-000.tar.gz";

fn main() -> ExitCode {
    finish(run(&Args::parse()))
}

fn run(args: &Args) -> Result<()> {
    let clip = args.model.load()?;
    let mut templates = args.templates.clone();
    if templates.is_empty() {
        templates.push("{}".into());
        templates.extend(CaptionDraw::default().frames);
    }
    let evaluator = Evaluator {
        model: &clip.model,
        tokenizer: clip.tokenizer()?,
        transform: &clip.transform,
        templates: &templates,
        loss: (args.loss.into(), args.batch_size),
    };
    let results = evaluator.evaluate(&args.data, &ShardOpener::default(), 0)?;
    results.evaluations.iter().for_each(|row| println!("{row}"));
    results.notes.iter().for_each(|note| println!("{note}"));
    Ok(())
}
