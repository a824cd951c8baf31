//! `cargo xtask bench`: how fast this project does what others do too, measured in the same run.

mod apart;
mod decoding;
mod loss;
mod machine;
mod measure;
mod memory;
mod models;
mod peer;
mod probe;
mod reading;
mod record;
mod retrieval;
mod row;
mod tokenizing;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result};
use cap::Cap;
use clap::{Parser, ValueEnum};
use mimalloc::MiMalloc;

use measure::Rounds;
use memory::Amounts;
use models::Place;
use peer::Peer;
use row::Row;

/// The examples' allocator, counting what is held.
#[global_allocator]
static ALLOCATOR: Cap<MiMalloc> = Cap::new(MiMalloc, usize::MAX);

/// Writes the shards and captions, and does with them what the peers do.
const SCRIPT: &str = "xtask/bench/peers/data.py";

/// Threads of ours, and worker processes of the peers'.
const WORKERS: usize = 2;

/// Measures this project beside its peers.
#[derive(Parser)]
#[command(name = "cargo xtask bench")]
struct Args {
    /// What is measured
    subject: Subject,
    /// Only the figures whose name contains this
    #[arg(long, value_name = "NAME")]
    only: Option<String>,
    /// Python with webdataset, torch, torchvision, Pillow, scikit-learn, open_clip, OpenAI's clip,
    /// ftfy and tokenizers
    #[arg(long, value_name = "PATH", default_value = "python3")]
    python: PathBuf,
    /// Also write the rows here
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Also keep every round and a summary in a folder of this one, named by date and machine
    #[arg(long, value_name = "DIR")]
    record: Option<PathBuf>,
    /// Where models run: cpu or cuda:N
    #[arg(long, default_value = "cpu")]
    device: String,
    /// What models compute in: f32 or bf16
    #[arg(long, default_value = "f32")]
    precision: String,
    /// The model that is trained
    #[arg(long, value_name = "NAME", default_value = "ViT-B-32")]
    model: String,
    /// Pairs of a training step
    #[arg(long, value_name = "PAIRS", default_value_t = 64)]
    batch: usize,
    /// Length of one measurement
    #[arg(long, default_value_t = 5.0)]
    seconds: f64,
    /// Measurements of each side, in turn
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Samples that pass through the loader to see its memory, in each round
    #[arg(long, default_value_t = 1_000_000)]
    samples: u64,
    /// Steps of the run whose memory is seen, in each round
    #[arg(long, default_value_t = 10_000)]
    steps: u64,
    /// Pairs whose loss takes the memory that is measured
    #[arg(long, default_value_t = 65_536)]
    pairs: usize,
    /// Images that captions are found by, to see the memory of it
    #[arg(long, default_value_t = 1_000_000)]
    images: usize,
    /// Folder for shards and captions, to be used again; a temporary one without it
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Subject {
    /// Images and texts a second, beside PyTorch, ONNX Runtime and, with that feature, candle
    Encode,
    /// Weights in bf16, f16 and int8 beside f32: images and texts a second, and features' accuracy
    Precision,
    /// Whole training steps beside open_clip, and their memory
    Train,
    /// From the start of a process to the first embedding, beside open_clip
    Startup,
    /// Reading shards, decoding, the loader and the tokenizer
    Data,
    /// Memory of the loader over many samples, of a run over many steps, of retrieval among many
    Memory,
    /// The tiled loss with its gradient: speed beside PyTorch's dense one, and memory
    Loss,
    /// Linear probes beside scikit-learn's
    Probe,
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
    let temporary = tempfile::tempdir().context("cannot make a temporary folder")?;
    let folder = args.data.as_deref().unwrap_or(temporary.path());
    println!("{}", machine::name());
    if let Some(problem) = machine::problem() {
        eprintln!("warning: {problem}");
    }
    let mut rows = Vec::new();
    let mut add = |row: Row| {
        println!("{row}");
        rows.push(row);
    };
    match args.subject {
        Subject::Encode | Subject::Train | Subject::Startup => {
            measure_models(args, folder, &mut add)?;
        }
        Subject::Data => compare(args, folder, &mut add)?,
        Subject::Precision => {
            println!("{}", Row::header());
            let wanted = |name: &str| is_wanted(args, name);
            models::precision(&args.model, place(args, folder), &rounds(args), wanted, &mut add)?;
        }
        Subject::Loss => measure_loss(args, folder, &mut add)?,
        Subject::Probe => {
            let mut peer = Peer::start(&args.python, probe::SCRIPT, folder)?;
            println!("{}\n{}", peer.versions(), Row::header());
            add(probe::speed(folder, &mut peer, &rounds(args))?);
        }
        Subject::Memory => measure_memory(args, folder, &mut add)?,
    }
    if let Some(path) = &args.json {
        let json = serde_json::to_string_pretty(&rows)?;
        std::fs::write(path, json).with_context(|| format!("cannot write {}", path.display()))?;
    }
    if let Some(folder) = &args.record {
        record::write(folder, &format!("{:?}", args.subject).to_lowercase(), &rows)?;
    }
    Ok(())
}

fn place<'a>(args: &'a Args, folder: &'a Path) -> Place<'a> {
    Place { folder, device: &args.device, precision: &args.precision }
}

fn measure_models(args: &Args, folder: &Path, add: &mut impl FnMut(Row)) -> Result<()> {
    let place = place(args, folder);
    if apart::is_apart() {
        add(models::memory(&args.model, args.batch, place, &args.python, 1)?);
        return Ok(());
    }
    let rounds = rounds(args);
    let mut peer = place.peer(&args.python)?;
    println!("{}\n{}", peer.versions(), Row::header());
    match args.subject {
        Subject::Startup => models::startup(place, &mut peer, &rounds)?.into_iter().for_each(add),
        Subject::Train => {
            if is_wanted(args, models::TRAINING) {
                let rows = models::train(&args.model, args.batch, place, &mut peer, &rounds)?;
                rows.into_iter().for_each(&mut *add);
            }
            drop(peer);
            if is_wanted(args, models::TRAINING_MEMORY) && args.device == "cpu" {
                add(models::memory(&args.model, args.batch, place, &args.python, args.rounds)?);
            }
        }
        _ => {
            // Whichever library multiplies faster here is nearer to what the machine can do.
            let peak = peer.rate("matmul", rounds.length)?;
            let peak = peak.max(place.product_rate(rounds.length)?);
            println!("  matrix product: {:.0} GFLOP/s", peak / 1e9);
            for case in models::ENCODING.iter().filter(|case| is_wanted(args, case.name)) {
                place.write(case.model)?;
                models::encode(case, place, &mut peer, &rounds, peak)?
                    .into_iter()
                    .for_each(&mut *add);
            }
            #[cfg(feature = "candle")]
            for case in models::BESIDE_CANDLE.iter().filter(|case| is_wanted(args, case.name)) {
                add(models::beside_candle(case, place, &rounds)?);
            }
        }
    }
    Ok(())
}

fn measure_loss(args: &Args, folder: &Path, add: &mut impl FnMut(Row)) -> Result<()> {
    if !apart::is_apart() && is_wanted(args, loss::SPEED) {
        let mut peer = Peer::start(&args.python, models::SCRIPT, folder)?;
        println!("{}\n{}", peer.versions(), Row::header());
        loss::speed(&mut peer, &rounds(args))?.into_iter().for_each(&mut *add);
    }
    if is_wanted(args, loss::MEMORY) {
        add(loss::memory(args.pairs, args.rounds)?);
        if !apart::is_apart() {
            add(loss::memory_beside_dense(&args.python, folder, args.rounds)?);
        }
    }
    Ok(())
}

fn measure_memory(args: &Args, folder: &Path, add: &mut impl FnMut(Row)) -> Result<()> {
    println!("{}", Row::header());
    let amounts = Amounts { samples: args.samples, steps: args.steps };
    for figure in memory::ALL.iter().filter(|figure| is_wanted(args, figure.name)) {
        memory::measure(figure, folder, amounts, args.rounds)?.into_iter().for_each(&mut *add);
    }
    if is_wanted(args, retrieval::MEMORY) {
        add(retrieval::memory(args.images, args.rounds)?);
    }
    Ok(())
}

fn rounds(args: &Args) -> Rounds {
    Rounds { count: args.rounds, length: Duration::from_secs_f64(args.seconds) }
}

fn is_wanted(args: &Args, name: &str) -> bool {
    args.only.as_ref().is_none_or(|only| name.contains(only.as_str()))
}

/// Everything that a peer does too.
fn compare(args: &Args, folder: &Path, add: &mut impl FnMut(Row)) -> Result<()> {
    let mut peer = Peer::start(&args.python, SCRIPT, folder)?;
    println!("{}\n{}", peer.versions(), Row::header());
    let rounds = rounds(args);
    let wanted = |name: &str| is_wanted(args, name);
    for shards in reading::ALL.iter().filter(|shards| wanted(shards.name)) {
        add(reading::measure(shards, folder, &mut peer, &rounds)?);
    }
    for kind in decoding::ALL.iter().filter(|kind| wanted(kind.name)) {
        add(decoding::measure(kind, folder, &mut peer, &rounds)?);
    }
    if wanted(decoding::PIPELINE) {
        add(decoding::measure_pipeline(folder, &rounds)?);
    }
    for rival in tokenizing::ALL.iter().filter(|rival| wanted(rival.name)) {
        add(tokenizing::measure(rival, folder, &mut peer, &rounds)?);
    }
    Ok(())
}
