//! Embeds images and captions with any CLIP or SigLIP and prints how well they match.
//!
//! ```text
//! cargo run --release --example embed -- --model openai/clip-vit-base-patch32 \
//!     --image cat.jpg --image dog.jpg --text "a photo of a cat" --text "a photo of a dog"
//! ```
//!
//! `--model` is a weights file, a folder or an id of the Hugging Face hub. `--out` keeps the
//! features, `[inputs, embed]` each of norm 1, as a safetensors file.

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
    #[arg(long = "text", value_name = "CAPTION", required = true)]
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
    let text_features = clip.encode_texts(&args.texts)?;

    let similarities = image_features.clone().matmul(text_features.clone().transpose());
    let similarities: Vec<f32> = similarities.into_data().iter().collect();
    for (image, row) in args.images.iter().zip(similarities.chunks(args.texts.len())) {
        println!("{}", image.display());
        for (text, similarity) in args.texts.iter().zip(row) {
            println!("  {similarity:>7.4}  {text}");
        }
    }
    match &args.out {
        Some(path) => save(path, image_features, text_features),
        None => Ok(()),
    }
}

/// Writes both features, in the order in which their inputs were given.
fn save(path: &Path, images: Tensor<2>, texts: Tensor<2>) -> Result<()> {
    let [images, texts] = [images, texts].map(|features| {
        let shape = features.dims().to_vec();
        let bytes =
            features.into_data().iter::<f32>().flat_map(f32::to_le_bytes).collect::<Vec<_>>();
        (shape, bytes)
    });
    let tensors = [("image_features", &images), ("text_features", &texts)];
    let views = tensors
        .iter()
        .map(|(name, (shape, bytes))| {
            Ok((*name, TensorView::new(Dtype::F32, shape.clone(), bytes)?))
        })
        .collect::<Result<Vec<_>>>()?;
    safetensors::serialize_to_file(views, None, path)
        .with_context(|| format!("cannot write {}", path.display()))
}
