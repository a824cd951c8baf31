//! Sorts images into classes that are given as words.
//!
//! ```text
//! cargo run --release --example zeroshot -- --model openai/clip-vit-base-patch32 \
//!     --labels cat,dog,"hot air balloon" photos/*.jpg
//! ```
//!
//! Each class is the mean of its name in every `--template` (paper, section 3.1.4).

#![recursion_limit = "256"]

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use burn::tensor::activation::{sigmoid, softmax};
use clap::Parser;
use clip_examples::{Model, finish};
use clip_model::preprocess::{DEFAULT_MAX_PIXELS, SourceImage};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Images encoded at once.
const BATCH: usize = 32;

/// The likeliest classes of each image.
#[derive(Parser)]
struct Args {
    #[command(flatten)]
    model: Model,
    /// Names of the classes, separated by commas
    #[arg(long, value_delimiter = ',', required = true)]
    labels: Vec<String>,
    /// A sentence around a class's name, which stands for {}; may be given several times
    #[arg(long = "template", value_name = "SENTENCE", default_value = "a photo of a {}.")]
    templates: Vec<String>,
    /// How many classes to show
    #[arg(long, default_value_t = 3)]
    top: usize,
    /// Image files
    #[arg(required = true)]
    images: Vec<PathBuf>,
}

fn main() -> ExitCode {
    finish(run(&Args::parse()))
}

fn run(args: &Args) -> Result<()> {
    let clip = args.model.load()?;
    let classifier = clip.classifier(&args.labels, &args.templates)?;

    for paths in args.images.chunks(BATCH) {
        let images = paths
            .iter()
            .map(|path| SourceImage::open(path, DEFAULT_MAX_PIXELS))
            .collect::<Result<Vec<_>, _>>()?;
        let logits = clip.model.logits(clip.encode_images(&images), classifier.weights.clone());
        // SigLIP asks of each class by itself whether it is there.
        let probabilities = match clip.model.logit_bias {
            Some(_) => sigmoid(logits),
            None => softmax(logits, 1),
        };
        let probabilities: Vec<f32> = probabilities.into_data().iter().collect();
        for (path, row) in paths.iter().zip(probabilities.chunks(args.labels.len())) {
            let mut ranked: Vec<_> = args.labels.iter().zip(row).collect();
            ranked.sort_by(|a, b| b.1.total_cmp(a.1));
            println!("{}", path.display());
            for (label, probability) in ranked.into_iter().take(args.top) {
                println!("  {:>6.2}%  {label}", 100.0 * probability);
            }
        }
    }
    Ok(())
}
