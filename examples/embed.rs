//! Embeds images and captions with any CLIP or SigLIP and prints how well they match.
//!
//! ```text
//! cargo run --release --example embed -- --model openai/clip-vit-base-patch32 \
//!     --image cat.jpg --image dog.jpg --text "a photo of a cat" --text "a photo of a dog"
//! ```
//!
//! `--model` is a weights file, a folder or an id of the Hugging Face hub. `--out` keeps the
//! features, `[inputs, embed]` each of norm 1, as a safetensors file; then captions may be left out.

#![recursion_limit = "256"]

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result};
use burn::tensor::Tensor;
use clap::Parser;
use clip_examples::{Model, finish};
use clip_model::preprocess::{DEFAULT_MAX_PIXELS, SourceImage};
use safetensors::tensor::{Dtype, TensorView};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Features of images and captions, and their cosine similarities.
#[derive(Parser)]
struct Args {
    #[command(flatten)]
    model: Model,
    /// An image file; give it once for each
    #[arg(long = "image", value_name = "FILE", required = true)]
    images: Vec<PathBuf>,
    /// A caption; give it once for each
    #[arg(long = "text", value_name = "CAPTION", required_unless_present = "out")]
    texts: Vec<String>,
    /// Keep the features in this safetensors file
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

fn main() -> ExitCode {
    finish(run(&Args::parse()))
}

fn run(args: &Args) -> Result<()> {
    let clip = args.model.load()?;

    let images = args
        .images
        .iter()
        .map(|path| SourceImage::open(path, DEFAULT_MAX_PIXELS))
        .collect::<Result<Vec<_>, _>>()?;
    let image_features = clip.encode_images(&images);
    let mut features = vec![("image_features", image_features.clone())];
    if !args.texts.is_empty() {
        let text_features = clip.encode_texts(&args.texts)?;
        print_similarities(args, image_features, text_features.clone());
        features.push(("text_features", text_features));
    }
    match &args.out {
        Some(path) => save(path, features),
        None => Ok(()),
    }
}

fn print_similarities(args: &Args, image_features: Tensor<2>, text_features: Tensor<2>) {
    let similarities = image_features.matmul(text_features.transpose());
    let similarities: Vec<f32> = similarities.into_data().iter().collect();
    for (image, row) in args.images.iter().zip(similarities.chunks(args.texts.len())) {
        println!("{}", image.display());
        for (text, similarity) in args.texts.iter().zip(row) {
            println!("  {similarity:>7.4}  {text}");
        }
    }
}

/// Writes features by name, each in the order in which their inputs were given.
fn save(path: &Path, features: Vec<(&'static str, Tensor<2>)>) -> Result<()> {
    let bytes = |(name, features): (&'static str, Tensor<2>)| {
        let shape = features.dims().to_vec();
        let bytes: Vec<u8> = features.into_data().iter().flat_map(f32::to_le_bytes).collect();
        (name, shape, bytes)
    };
    let tensors: Vec<_> = features.into_iter().map(bytes).collect();
    let views = tensors
        .iter()
        .map(|(name, shape, bytes)| Ok((*name, TensorView::new(Dtype::F32, shape.clone(), bytes)?)))
        .collect::<Result<Vec<_>>>()?;
    safetensors::serialize_to_file(views, None, path)
        .with_context(|| format!("cannot write {}", path.display()))
}
