//! Measures models on many data sets: by language alone, by linear probes and by few examples.
//!
//! ```text
//! cargo run --release --example benchmark -- --list
//! cargo run --release --example benchmark -- --data data --datasets paper --model openai/clip-vit-base-patch32
//! ```
//!
//! Everything that is measured is kept in `--out`: a run that was interrupted goes on where it was.

#![recursion_limit = "256"]

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use clap::Parser;
use clip_eval::{Dataset, GivenFeatures, datasets, datasets_named};
use clip_examples::{Benchmark, Model, Tasks, finish};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Measures models on many data sets.
#[derive(Parser)]
struct Args {
    #[command(flatten)]
    model: Model,
    /// More models, with the same settings
    #[arg(long, value_name = "FILE|DIR|ID", num_args = 1..)]
    also: Vec<String>,
    /// all, paper, vtab+, robustness, retrieval, ocr, or names of data sets
    #[arg(long, value_name = "NAME", num_args = 1.., default_values_t = ["all".to_owned()])]
    datasets: Vec<String>,
    /// The folder with a folder for each data set
    #[arg(long, value_name = "DIR", default_value = "data")]
    data: PathBuf,
    /// What is measured
    #[arg(long, value_enum, num_args = 1.., default_values_t = [Tasks::ZeroShot])]
    tasks: Vec<Tasks>,
    /// Folders of features that other programs wrote, DATASET-train.npy and DATASET-test.npy: baselines
    #[arg(long, value_name = "DIR", num_args = 1..)]
    features: Vec<PathBuf>,
    /// Where results, features and the report are kept; what is there is not measured again
    #[arg(long, value_name = "DIR", default_value = "benchmark")]
    out: PathBuf,
    /// Measure on data sets with more or fewer images than were published, too
    #[arg(long)]
    any_count: bool,
    /// Print the data sets that are known, one a line
    #[arg(long)]
    list: bool,
}

fn main() -> ExitCode {
    finish(run(&Args::parse()))
}

fn run(args: &Args) -> Result<()> {
    if args.list {
        let list: String = datasets().iter().map(described).collect();
        // Whoever reads it may stop reading.
        return io::stdout().write_all(list.as_bytes()).or(Ok(()));
    }
    let mut benchmark = Benchmark::new(&args.data, &args.out, &args.tasks, args.any_count);
    for name in &args.datasets {
        let named = datasets_named(name);
        if named.is_empty() {
            bail!("there is no data set and no suite `{name}`: --list prints those that there are");
        }
        benchmark.add(named);
    }
    for model in [&args.model.model].into_iter().chain(&args.also) {
        let clip = args.model.named(model).load()?;
        benchmark.measure(model, &clip).with_context(|| format!("on {model}"))?;
    }
    for folder in &args.features {
        let features = GivenFeatures::new(folder);
        benchmark.measure_features(&features).with_context(|| format!("on {}", features.name))?;
    }
    benchmark.finish()
}

fn described(dataset: &Dataset) -> String {
    let images = |counts: &[usize]| counts.first().map_or("-".into(), usize::to_string);
    format!(
        "{:<22} {:<30} {:>5} classes {:>8} train {:>7} test  {:<14} {}\n",
        dataset.name,
        dataset.title,
        dataset.classes,
        images(&dataset.train),
        images(&dataset.test),
        dataset.metric.name(),
        dataset.home
    )
}
