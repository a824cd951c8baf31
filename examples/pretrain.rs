//! Pretrains a CLIP from scratch on image-text pairs, then evaluates it and writes a report.
//!
//! ```text
//! cargo run --release --example pretrain
//! ```
//!
//! trains on the pairs in `assets/sample` and ends by naming the drawings of an artist that the
//! model has never seen. `--help` lists the flags; a file given to `--config` may hold every setting
//! that a run's `config.toml` shows, and flags win over the file.

#![recursion_limit = "256"]

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use burn::train::Interrupter;
use clap::Parser;
use clip_examples::{exit, free_memory, on_interrupt, peak_memory};
use clip_train::view::{Show, available, view};
use clip_train::{
    Ended, MemoryPlan, RunFolder, TrainConfig, TrainError, Trainer, duration, memory_size,
};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Pretrains a CLIP on image-text pairs. Without arguments: on the sample data, in minutes.
#[derive(Parser)]
struct Args {
    /// Settings as TOML, such as a run's config.toml; flags win over it
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Training shards: paths, folders, globs or {000..009} braces [default: the sample]
    #[arg(long, value_name = "SHARDS", num_args = 1..)]
    data: Vec<String>,
    /// Shards or an image folder to evaluate on at the end [default: the sample's, with its data]
    #[arg(long, value_name = "SHARDS", num_args = 1..)]
    eval_data: Vec<String>,
    /// A preset or an open_clip JSON file [default: RN-nano]
    #[arg(long, value_name = "NAME|FILE")]
    model: Option<String>,
    /// Start from these weights: a file, a folder with one, or an id of the hub
    #[arg(long, value_name = "FILE|DIR|ID", conflicts_with = "model")]
    weights: Option<String>,
    /// cpu, cuda:N, vulkan, metal or wgpu, among those compiled in; several with commas share each
    /// batch [default: cpu]
    #[arg(long)]
    device: Option<String>,
    /// Pairs of a step, all of them each other's negatives [default: 256]
    #[arg(long, value_name = "N")]
    batch_size: Option<usize>,
    /// Pairs whose activations are held at once; same result, less memory [default: the batch]
    #[arg(long, value_name = "N")]
    micro_batch: Option<usize>,
    /// Length of the run in steps [default: 800]
    #[arg(long, value_name = "N", conflicts_with = "epochs")]
    steps: Option<u64>,
    /// Length of the run in passes over the data
    #[arg(long, value_name = "N")]
    epochs: Option<f64>,
    /// Learning rate after the warm-up [default: 0.002]
    #[arg(long)]
    lr: Option<f64>,
    /// Seed of weights, order and augmentation [default: 0]
    #[arg(long)]
    seed: Option<u64>,
    /// Decoder threads; no effect on the result [default: one a core]
    #[arg(long, value_name = "N")]
    threads: Option<usize>,
    /// Share of unusable samples above which the run stops [default: 0.1]
    #[arg(long, value_name = "SHARE")]
    max_bad_share: Option<f64>,
    /// Steps between evaluations [default: one at the end]
    #[arg(long, value_name = "N")]
    eval_every: Option<u64>,
    /// Steps between checkpoints [default: 100]
    #[arg(long, value_name = "N")]
    checkpoint_every: Option<u64>,
    /// Folder of a new run [default: runs/pretrain-N, the first that is free]
    #[arg(long, value_name = "DIR", conflicts_with = "resume")]
    out: Option<PathBuf>,
    /// Folder of a run to go on with, from its newest checkpoint
    #[arg(long, value_name = "DIR")]
    resume: Option<PathBuf>,
    /// Go on although the data is another than when the run stopped
    #[arg(long, requires = "resume")]
    accept_changes: bool,
    /// Say how much memory the run is expected to take and which micro-batch fits, and end
    #[arg(long)]
    plan: bool,
    /// Memory that the run may take, for --plan [default: what is free, on the CPU]
    #[arg(long, value_name = "GB", requires = "plan")]
    memory: Option<f64>,
    /// Show Burn's terminal dashboard (needs the feature tui)
    #[arg(long)]
    dashboard: bool,
}

fn main() -> ExitCode {
    exit(run(&Args::parse()))
}

fn run(args: &Args) -> Result<Ended, TrainError> {
    if args.plan {
        return plan(&args.settings(args.resume.as_ref())?, args.memory);
    }
    let started = Instant::now();
    let interrupter = Interrupter::new();
    on_interrupt(interrupter.clone());
    let show = if args.dashboard { Show::Dashboard } else { Show::Progress };
    available(show)?;
    let (mut trainer, folder) = match &args.resume {
        Some(folder) => {
            let settings = args.settings(Some(folder))?;
            (Trainer::resume(settings, folder, args.accept_changes)?, folder.clone())
        }
        None => {
            let next = || RunFolder::next(Path::new("runs"), "pretrain");
            let folder = args.out.clone().unwrap_or_else(next);
            (Trainer::start(args.settings(None)?, &folder)?, folder)
        }
    };
    let mut facts = trainer.plan();
    for (name, value) in &facts {
        println!("{name:<14} {value}");
    }

    let mut view = view(show, trainer.step(), trainer.steps(), &interrupter)?;
    let ended = trainer.run(view.as_mut(), &interrupter);
    view.close();
    interrupter.stop(None); // from here on there is nothing to save, and Ctrl-C ends at once
    if let Some(faults) = trainer.data_faults() {
        println!("{faults}");
        facts.push(("Unusable samples".into(), faults));
    }
    if ended? == Ended::Interrupted {
        println!("stopped at step {}; go on with --resume {}", trainer.step(), folder.display());
        return Ok(Ended::Interrupted);
    }

    println!("evaluating");
    facts.push(("Time taken".into(), duration(started.elapsed().as_secs_f64())));
    facts.extend(peak_memory().map(|memory| ("Peak memory".into(), memory)));
    let results = trainer.finish(&facts)?;
    results.evaluations.iter().for_each(|evaluation| println!("{evaluation}"));
    results.notes.iter().for_each(|note| println!("{note}"));
    println!("report: {}", RunFolder::open(&folder).report().display());
    Ok(Ended::Complete)
}

/// Tells what the run would take.
fn plan(config: &TrainConfig, memory: Option<f64>) -> Result<Ended, TrainError> {
    let plan = MemoryPlan::of_run(config)?;
    println!("model and optimizer  {}", memory_size(plan.model));
    println!("the batch            {}", memory_size(plan.batch));
    println!("activations          {} a pair of a micro-batch", memory_size(plan.per_pair));
    println!("expected peak        {}", memory_size(plan.peak()));
    let of_cpu = || if config.device == "cpu" { free_memory() } else { None };
    let free = memory.map(|gigabytes| (gigabytes * 1e9) as u64).or_else(of_cpu);
    if let Some(free) = free {
        let fits = match plan.largest_micro_batch(free) {
            Some(pairs) => format!("micro-batches of up to {pairs}"),
            None => "no micro-batch".into(),
        };
        println!("fits into {:<10} {fits}", memory_size(free));
    }
    Ok(Ended::Complete)
}

impl Args {
    /// The settings: defaults, then the file or the resumed run's, then the flags.
    fn settings(&self, resumed: Option<&PathBuf>) -> Result<TrainConfig, TrainError> {
        let of_run =
            resumed.map(|folder| RunFolder::open(folder).config()).filter(|path| path.exists());
        let mut config = match self.config.as_ref().or(of_run.as_ref()) {
            Some(path) => TrainConfig::load(path)?,
            None => TrainConfig::default(),
        };
        if self.steps.is_some() || self.epochs.is_some() {
            (config.steps, config.epochs) = (self.steps, self.epochs);
        }
        if !self.data.is_empty() && self.config.is_none() && resumed.is_none() {
            config.eval_data.clear(); // the sample's drawings say little about other data
        }
        replace(&mut config.model, &self.model);
        replace(&mut config.device, &self.device);
        replace(&mut config.batch_size, &self.batch_size);
        replace(&mut config.micro_batch, &self.micro_batch);
        replace(&mut config.lr, &self.lr);
        replace(&mut config.seed, &self.seed);
        replace(&mut config.loader.threads, &self.threads);
        replace(&mut config.loader.max_bad_share, &self.max_bad_share);
        replace(&mut config.checkpoints.every, &self.checkpoint_every);
        replace(&mut config.evaluation.every, &self.eval_every);
        if let Some(weights) = &self.weights {
            let finetune = config.finetune.get_or_insert_default();
            finetune.weights.clone_from(weights);
        }
        let given = |shards: &[String]| (!shards.is_empty()).then(|| shards.to_vec());
        replace(&mut config.data, &given(&self.data));
        replace(&mut config.eval_data, &given(&self.eval_data));
        Ok(config)
    }
}

fn replace<T: Clone>(setting: &mut T, flag: &Option<T>) {
    if let Some(value) = flag {
        setting.clone_from(value);
    }
}
