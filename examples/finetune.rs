//! Puts a CLIP's image tower into another Burn model and fine-tunes it to tell classes apart.
//!
//! ```text
//! cargo run --release --example pretrain
//! cargo run --release --example finetune -- --model runs/pretrain-1/export
//! ```
//!
//! Its data are labelled shards: by default the drawings of the sample's unseen artist, which are
//! told apart by their group. `--frozen` trains the new layer alone: a linear probe.

#![recursion_limit = "256"]

use std::collections::BTreeSet;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result, ensure};
use burn::module::Module;
use burn::nn::loss::CrossEntropyLossConfig;
use burn::nn::{Linear, LinearConfig};
use burn::optim::{AdamWConfig, GradientsParams};
use burn::tensor::{DType, Device, Int, Tensor};
use clap::Parser;
use clip_data::{
    DEFAULT_MAX_MEMBER_BYTES, DEFAULT_MAX_PIXELS, ShardOpener, ShardReader, decode_sample,
    expand_shards,
};
use clip_examples::{Model, finish};
use clip_model::preprocess::{ImageTransform, SourceImage};
use clip_model::vision::VisionTower;
use clip_model::{Mode, images_to_tensor};
use rand::SeedableRng;
use rand::seq::SliceRandom;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Fine-tunes an image tower as a part of another model.
#[derive(Parser)]
struct Args {
    #[command(flatten)]
    model: Model,
    /// Labelled shards, each sample's class under `--label` of its json
    #[arg(long, value_name = "SHARDS", num_args = 1.., default_values_t = [SAMPLE.to_string()])]
    data: Vec<String>,
    /// The key of the class
    #[arg(long, default_value = "group")]
    label: String,
    /// Leave the tower as it is and train the new layer alone
    #[arg(long)]
    frozen: bool,
    #[arg(long, default_value_t = 3)]
    epochs: usize,
    #[arg(long, default_value = "64")]
    batch_size: NonZeroUsize,
    #[arg(long, default_value_t = 3e-4)]
    lr: f64,
    /// Keep the model as a Burn record in this file
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

const SAMPLE: &str = "assets/sample/test-000.tar.gz";

/// A model of another project: CLIP's image tower and a layer of its own.
#[derive(Module, Debug)]
struct Classifier {
    tower: VisionTower,
    head: Linear,
}

impl Classifier {
    /// Logits, `[batch, classes]`, of images, `[batch, 3, height, width]`.
    fn forward(&self, images: Tensor<4>, mode: Mode) -> Tensor<2> {
        self.head.forward(self.tower.forward(images, mode).cast(DType::F32))
    }
}

/// Preprocessed images with their classes.
struct Images {
    pixels: Vec<Vec<u8>>,
    labels: Vec<i64>,
    classes: Vec<String>,
}

fn main() -> ExitCode {
    finish(run(&Args::parse()))
}

fn run(args: &Args) -> Result<()> {
    let clip = args.model.load_to_train()?;
    let images = read(args, &clip.transform)?;
    let held_out = images.labels.len() / 5;
    ensure!(held_out > 0, "{} images are too few: give at least five", images.labels.len());
    let mut order: Vec<usize> = (0..images.labels.len()).collect();
    let mut random = rand_chacha::ChaCha8Rng::seed_from_u64(0);
    order.shuffle(&mut random);
    let (test, train) = order.split_at_mut(held_out);

    let plain = clip.model.logit_scale.val().device();
    let device = plain.clone().autodiff();
    let tower = clip.model.visual.to_device(&device).train();
    let mut model = Classifier {
        tower: if args.frozen { tower.freeze() } else { tower },
        head: LinearConfig::new(clip.config.embed_dim, images.classes.len()).init(&device),
    };
    let mut optimizer = AdamWConfig::new().with_weight_decay(0.05).init();
    let loss = CrossEntropyLossConfig::new().init(&device);
    // Fine-tuning keeps the statistics of pretraining: batches are small.
    let mode = Mode::Evaluation;
    for epoch in 1..=args.epochs {
        train.shuffle(&mut random);
        let (mut sum, mut batches) = (0.0, 0);
        for chunk in train.chunks(args.batch_size.get()) {
            let (pixels, labels) = images.batch(chunk, &clip.transform, &device);
            let loss = loss.forward(model.forward(pixels, mode), labels);
            sum += loss.clone().into_data().iter::<f64>().sum::<f64>();
            batches += 1;
            let gradients = GradientsParams::from_grads(loss.backward(), &model);
            model = optimizer.step(args.lr, model, gradients);
        }
        let right = accuracy(&model, &images, test, &clip.transform, &device);
        println!(
            "epoch {epoch}: loss {:.3}, held-out accuracy {:.1}%",
            sum / batches as f64,
            100.0 * right
        );
    }
    if let Some(path) = &args.out {
        model
            .into_record()
            .save(path)
            .with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(())
}

/// Share of images that the model puts into their class.
fn accuracy(
    model: &Classifier,
    images: &Images,
    indices: &[usize],
    transform: &ImageTransform,
    device: &Device,
) -> f64 {
    let right = indices.chunks(64).map(|chunk| {
        let (pixels, labels) = images.batch(chunk, transform, device);
        let guesses = model.forward(pixels, Mode::Evaluation).argmax(1).squeeze_dim::<1>(1);
        guesses.equal(labels).int().sum().into_data().iter::<i64>().sum::<i64>()
    });
    right.sum::<i64>() as f64 / indices.len() as f64
}

impl Images {
    /// The images of these indices as the tower's input, and their classes.
    fn batch(
        &self,
        indices: &[usize],
        transform: &ImageTransform,
        device: &Device,
    ) -> (Tensor<4>, Tensor<1, Int>) {
        let pixels = indices.iter().flat_map(|index| &self.pixels[*index]).copied().collect();
        let labels: Vec<i64> = indices.iter().map(|index| self.labels[*index]).collect();
        (images_to_tensor(pixels, transform, device), Tensor::from_data(&labels[..], device))
    }
}

/// Reads and preprocesses all images.
fn read(args: &Args, transform: &ImageTransform) -> Result<Images> {
    let (mut pixels, mut names) = (Vec::new(), Vec::new());
    let opener = ShardOpener::default();
    for shard in expand_shards(&args.data)? {
        for sample in ShardReader::open(&shard, &opener, DEFAULT_MAX_MEMBER_BYTES)? {
            let sample = sample?;
            let json =
                sample.member("json").with_context(|| format!("{} has no json", sample.key))?;
            let json: serde_json::Value = serde_json::from_slice(json)?;
            let name = json[&args.label].as_str();
            names.push(
                name.with_context(|| format!("{} has no {}", sample.key, args.label))?.to_owned(),
            );
            let image = SourceImage::from(decode_sample(&sample, DEFAULT_MAX_PIXELS)?);
            pixels.push(transform.apply(&image).into_raw());
        }
    }
    let classes: Vec<String> = BTreeSet::from_iter(names.iter().cloned()).into_iter().collect();
    let label = |name| classes.iter().position(|class| class == name).unwrap_or_default() as i64;
    let labels = names.iter().map(label).collect();
    println!("{} images of {} classes: {}", pixels.len(), classes.len(), classes.join(", "));
    Ok(Images { pixels, labels, classes })
}
