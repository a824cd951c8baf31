//! Lays the curves of several training runs over each other, in one report.
//!
//! ```text
//! cargo run --release --example compare_runs -- runs/pretrain-1 runs/pretrain-2 --out both.html
//! ```

#![recursion_limit = "256"]

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, ensure};
use clap::Parser;
use clip_eval::Evaluation;
use clip_examples::finish;
use clip_train::report::{OtherRun, Report, StepMetrics, render};
use clip_train::{Loss, MetricsLog, RunFolder, TrainConfig};

/// Compares training runs in one report.
#[derive(Parser)]
struct Args {
    /// Folders of runs, the first of which the others are compared with; at most five
    #[arg(required = true, num_args = 2..=5, value_name = "RUN")]
    runs: Vec<PathBuf>,
    /// Where the report goes
    #[arg(long, value_name = "FILE", default_value = "compared.html")]
    out: PathBuf,
}

/// What a run has written down.
struct Run {
    name: String,
    config: TrainConfig,
    history: Vec<StepMetrics>,
    evaluations: Vec<Evaluation>,
}

fn main() -> ExitCode {
    finish(run(&Args::parse()))
}

fn run(args: &Args) -> Result<()> {
    let runs: Vec<Run> = args.runs.iter().map(|path| read(path)).collect::<Result<_>>()?;
    let (first, others) = runs.split_first().context("no run")?;
    let others: Vec<OtherRun<'_>> = others
        .iter()
        .map(|run| OtherRun {
            name: &run.name,
            history: &run.history,
            evaluations: &run.evaluations,
        })
        .collect();
    let page = render(&Report {
        title: "Runs compared",
        name: &first.name,
        facts: &[],
        batch: guesses(&first.config),
        history: &first.history,
        evaluations: &first.evaluations,
        examples: &[],
        others: &others,
    });
    std::fs::write(&args.out, page)
        .with_context(|| format!("cannot write {}", args.out.display()))?;
    println!("{}", args.out.display());
    Ok(())
}

/// Pairs that each pair is contrasted with, where that tells the loss of guessing.
fn guesses(config: &TrainConfig) -> Option<u64> {
    let is_plain = config.loss == Loss::Softmax && config.teacher.is_none();
    is_plain.then_some(config.batch_size as u64)
}

fn read(path: &Path) -> Result<Run> {
    let folder = RunFolder::open(path);
    let history = MetricsLog::read(&folder.metrics())?;
    ensure!(!history.is_empty(), "{} is no run: it has no metrics.jsonl", path.display());
    Ok(Run {
        name: folder.name(),
        config: TrainConfig::load(&folder.config())?,
        evaluations: folder.read_evaluations()?,
        history,
    })
}
