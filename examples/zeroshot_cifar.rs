//! Classifies CIFAR-10 or CIFAR-100 by language alone.
//!
//! ```text
//! cargo run --release --example zeroshot_cifar -- --data cifar-10-batches-bin --run runs/pretrain-1
//! ```
//!
//! `--data` is the folder of the data set in its original binary form; `--run` a folder that
//! `pretrain` made, whose exported model is evaluated.

#![recursion_limit = "256"]

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::Parser;
use clip_data::{CifarFolder, LabelledImages, Split};
use clip_eval::{CIFAR_TEMPLATES, Source, accuracy, classify, encode_images};
use clip_model::preprocess::ImageTransform;
use clip_model::weights::load_weights;
use clip_model::{Clip, ClipConfig, Tokenizer, ZeroShotClassifier};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Zero-shot accuracy on CIFAR-10 or CIFAR-100, with the paper's 18 templates.
#[derive(Parser)]
struct Args {
    /// Folder with test_batch.bin or test.bin
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// Folder of a training run
    #[arg(long, value_name = "DIR")]
    run: PathBuf,
    /// cpu, cuda:N, vulkan, metal or wgpu, among those compiled in
    #[arg(long, default_value = "cpu")]
    device: String,
}

fn main() -> ExitCode {
    match run(&Args::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(args: &Args) -> Result<()> {
    // A folder that is neither is told about as the more common one.
    let images = CifarFolder::cifar100(&args.data, Split::Test)
        .or_else(|_| CifarFolder::cifar10(&args.data, Split::Test))?;
    let (model, config) = load(args)?;
    let tokenizer = Tokenizer::for_text(&config.text_cfg)?;
    let classifier =
        ZeroShotClassifier::new(&model, &tokenizer, images.class_names(), CIFAR_TEMPLATES);

    let transform = ImageTransform::openai(config.vision_cfg.image_size);
    let image = |index: usize| Ok(images.get(index)?.0);
    let progress = |done: usize| eprint!("\r{done}/{} images", images.len());
    let features = encode_images(&model, &transform, images.len(), image, progress)?;
    eprintln!();
    let labels = (0..images.len()).map(|index| Ok(images.get(index)?.1));
    let labels = labels.collect::<Result<Vec<usize>>>()?;
    let predictions = classify(&classifier, features, &labels, 1.0);
    let dataset = args.data.display().to_string();
    let source = Source { step: 0, dataset: &dataset };
    for evaluation in accuracy(source, &predictions, images.class_names().len()) {
        println!("{evaluation}");
    }
    Ok(())
}

/// The exported model of a run.
fn load(args: &Args) -> Result<(Clip, ClipConfig)> {
    let export = args.run.join("export");
    let path = export.join("open_clip_config.json");
    let text = std::fs::read_to_string(&path)
        .with_context(|| format!("{} is not the folder of a finished run", args.run.display()))?;
    let json: serde_json::Value = serde_json::from_str(&text)?;
    let config =
        ClipConfig::from_json(&json["model_cfg"].to_string(), &path.display().to_string())?;
    let model = config.init(&clip_model::device(&args.device)?, 0)?;
    let model = load_weights(model, &export.join("open_clip_model.safetensors"))?;
    Ok((model, config))
}
