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
use clap::builder::PossibleValuesParser;
use clap::{Parser, ValueEnum};
use clip_eval::{
    Benchmark, BenchmarkConfig, BenchmarkEvent, BenchmarkTask, Dataset, GivenFeatures, datasets,
    datasets_named, languages,
};
use clip_examples::{Model, finish};
use indicatif::{ProgressBar, ProgressStyle};

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
    /// Frames of each video over which predictions are averaged, beside the result of the middle one
    #[arg(long, value_name = "N", default_value_t = 1)]
    frames: usize,
    /// Folders of features that other programs wrote, DATASET-train.npy and DATASET-test.npy: baselines
    #[arg(long, value_name = "DIR", num_args = 1..)]
    features: Vec<PathBuf>,
    /// Languages besides English in which classes are named too: ar, cn, it, jp
    #[arg(long, value_name = "CODE", num_args = 1.., value_parser = PossibleValuesParser::new(languages()))]
    languages: Vec<String>,
    /// Shards that the models learned from: the report then tells which images they had seen
    #[arg(long, value_name = "SHARDS", num_args = 1..)]
    trained_on: Vec<String>,
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

/// What is measured.
#[derive(Clone, Copy, ValueEnum)]
enum Tasks {
    /// Classes are named, captions found, by language alone
    ZeroShot,
    /// A linear probe on all images to learn from, by the paper's protocol
    LinearProbe,
    /// Linear probes on 1, 2, 4, 8 and 16 images of each class
    FewShot,
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
    let bar = ProgressBar::no_length().with_style(ProgressStyle::with_template(
        "{msg} {bar:30} {pos}/{len}, {per_sec}, {eta} left",
    )?);
    let tell = |event: BenchmarkEvent<'_>| show(&bar, event);
    let mut benchmark = Benchmark::new(config(args)?, &tell);
    for model in [&args.model.model].into_iter().chain(&args.also) {
        let clip = args.model.named(model).load()?;
        benchmark.measure(model, &clip).with_context(|| format!("on {model}"))?;
    }
    for folder in &args.features {
        let features = GivenFeatures::new(folder);
        benchmark.measure_features(&features).with_context(|| format!("on {}", features.name))?;
    }
    for (name, reason) in &benchmark.finish()?.absent {
        println!("{name:<22} {reason}");
    }
    println!("\nreport: {}", args.out.join("report.html").display());
    Ok(())
}

fn config(args: &Args) -> Result<BenchmarkConfig> {
    let mut chosen: Vec<&'static Dataset> = Vec::new();
    for name in &args.datasets {
        let named = datasets_named(name);
        if named.is_empty() {
            bail!("there is no data set and no suite `{name}`: --list prints those that there are");
        }
        let is_new = |dataset: &&Dataset| !chosen.iter().any(|known| known.name == dataset.name);
        let new: Vec<_> = named.into_iter().filter(is_new).collect();
        chosen.extend(new);
    }
    let task = |task: &Tasks| match task {
        Tasks::ZeroShot => BenchmarkTask::ZeroShot,
        Tasks::LinearProbe => BenchmarkTask::LinearProbe,
        Tasks::FewShot => BenchmarkTask::FewShot,
    };
    Ok(BenchmarkConfig {
        data: args.data.clone(),
        out: args.out.clone(),
        tasks: args.tasks.iter().map(task).collect(),
        any_count: args.any_count,
        frames: args.frames,
        datasets: chosen,
        languages: args.languages.clone(),
        training: args.trained_on.clone(),
    })
}

fn show(bar: &ProgressBar, event: BenchmarkEvent<'_>) {
    match event {
        BenchmarkEvent::Working { part, done, total } => {
            bar.set_message(part.to_owned());
            bar.set_length(total as u64);
            bar.set_position(done as u64);
            if done == total {
                bar.finish_and_clear();
                bar.reset();
            }
        }
        BenchmarkEvent::Measured(row) => {
            println!("{:<24} {:<20} {}", row.model, row.evaluation.dataset, row.evaluation);
        }
    }
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
