//! Fits a linear probe to a model's image features, by the paper's protocol (appendix A.3).
//!
//! ```text
//! cargo run --release --example linear_probe -- --model runs/pretrain-1/export \
//!     --train data/train --test data/test
//! ```
//!
//! The strength of the regularisation is searched on a validation set, by default a fifth of each
//! class; then the probe is fitted to both together.

#![recursion_limit = "256"]

use std::process::ExitCode;

use anyhow::{Context, Result, ensure};
use clap::Parser;
use clip_data::{LabelledFiles, LabelledImages, ShardOpener, open_labelled};
use clip_eval::{
    Features, LinearProbe, Prediction, ProbeOptions, Source, accuracy, encode_for_probes,
    mean_per_class, search_lambda,
};
use clip_examples::{Model, finish};
use clip_model::Pretrained;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Fits a linear probe to a model's image features.
#[derive(Parser)]
struct Args {
    #[command(flatten)]
    model: Model,
    /// Labelled shards or an image folder to learn from
    #[arg(long, value_name = "SHARDS", num_args = 1.., required = true)]
    train: Vec<String>,
    /// The same to choose the regularisation by [default: a fifth of each class]
    #[arg(long, value_name = "SHARDS", num_args = 1..)]
    validation: Vec<String>,
    /// The same to measure on
    #[arg(long, value_name = "SHARDS", num_args = 1.., required = true)]
    test: Vec<String>,
    /// Strength of the regularisation, 1/C of scikit-learn [default: it is searched]
    #[arg(long)]
    lambda: Option<f64>,
}

fn main() -> ExitCode {
    finish(run(&Args::parse()))
}

fn run(args: &Args) -> Result<()> {
    let clip = args.model.load()?;
    let train = open(&args.train)?;
    let names = train.class_names().to_vec();
    let train = encode(&clip, &train, &names)?;
    let test = encode(&clip, &open(&args.test)?, &names)?;
    let (train, validation) = match args.validation.is_empty() {
        true => train.split(),
        false => (train, encode(&clip, &open(&args.validation)?, &names)?),
    };

    let images = train.labels.len();
    ensure!(!validation.labels.is_empty(), "{images} images are too few to hold some out");
    let classes = names.len();
    let options = ProbeOptions::default();
    let lambda = match args.lambda {
        Some(lambda) => lambda,
        None => {
            let search = search_lambda(train.view(), validation.view(), classes, options, share)?;
            for (lambda, score) in &search.tried {
                println!("lambda {lambda:>12.3e}  validation {:>6.2}%", 100.0 * score);
            }
            search.lambda
        }
    };
    let Features { features, labels } = train.with(validation);
    let options = ProbeOptions { lambda, ..options };
    let fit = LinearProbe::fit(features, &labels, classes, options)?;
    println!("lambda {lambda:.3e}, {} steps of L-BFGS", fit.iterations);
    if !fit.converged {
        println!("they were too few: features of larger scale or a larger lambda take less");
    }
    let predictions = fit.probe.classify(test.features, &test.labels);
    let source = Source { step: 0, dataset: &args.test.join(" ") };
    for mut row in accuracy(source, &predictions, classes) {
        row.task = "linear_probe".into();
        println!("{row}");
    }
    println!(
        "mean of the classes' accuracies {:.2}%",
        100.0 * mean_per_class(&predictions, classes)
    );
    Ok(())
}

fn open(data: &[String]) -> Result<LabelledFiles> {
    open_labelled(data, &ShardOpener::default()).with_context(|| format!("on {}", data.join(" ")))
}

fn encode(clip: &Pretrained, set: &LabelledFiles, names: &[String]) -> Result<Features> {
    let get = |index| set.image(index);
    let features = encode_for_probes(clip, set.len(), get, |_| ())?;
    let label = |label: &usize| {
        let name = &set.class_names()[*label];
        let known = names.iter().position(|known| known == name);
        known.with_context(|| format!("no image of `{name}` to learn from"))
    };
    Ok(Features { features, labels: set.labels().iter().map(label).collect::<Result<_>>()? })
}

/// Share of right predictions.
fn share(predictions: &[Prediction]) -> f64 {
    let right = predictions.iter().filter(|prediction| prediction.rank == 0).count();
    right as f64 / predictions.len() as f64
}
