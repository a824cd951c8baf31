//! `cargo xtask parity`: our numbers beside those of open_clip, OpenAI's CLIP, transformers, Pillow
//! and webdataset, one row a comparison.

#![recursion_limit = "256"]

#[cfg(feature = "models")]
mod models;
#[cfg(feature = "models")]
mod preprocess;
mod python;
mod row;
#[cfg(feature = "models")]
mod tokenizer;
mod webdataset;

#[cfg(feature = "models")]
use std::path::Path;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::Parser;

#[cfg(feature = "models")]
use python::Python;
use row::Row;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Compares this project with its references.
#[derive(Parser)]
#[command(name = "cargo xtask parity")]
struct Args {
    /// Only the comparisons whose name contains this
    #[arg(long, value_name = "NAME")]
    only: Option<String>,
    /// Python with torch, open_clip, OpenAI's clip, transformers, Pillow, ftfy and webdataset
    #[arg(long, value_name = "PATH", default_value = "python3")]
    python: PathBuf,
    /// Also write the rows here
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Where our models run; limits of other devices than the CPU are wider
    #[cfg(feature = "models")]
    #[arg(long, default_value = "cpu")]
    device: String,
    /// Number format of our models
    #[cfg(feature = "models")]
    #[arg(long, value_enum, default_value_t = models::Precision::F32)]
    precision: models::Precision,
    /// Folder for the reference's files, some gigabytes at a time
    #[arg(long, value_name = "DIR")]
    scratch: Option<PathBuf>,
}

fn main() -> ExitCode {
    match run(&Args::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Runs the comparisons; false when one of them fails.
fn run(args: &Args) -> Result<bool> {
    let scratch = match &args.scratch {
        Some(folder) => tempfile::tempdir_in(folder),
        None => tempfile::tempdir(),
    };
    let scratch = scratch.context("cannot make a scratch folder")?;
    let wanted = |name: &str| args.only.as_ref().is_none_or(|only| name.contains(only.as_str()));
    let mut rows: Vec<Row> = Vec::new();
    println!("{}", Row::header());
    let mut add = |row: Row| {
        println!("{row}");
        rows.push(row);
    };
    if wanted(webdataset::NAME) {
        webdataset::compare(&args.python, scratch.path(), &mut add)?;
    }
    #[cfg(feature = "models")]
    compare_models(args, wanted, scratch.path(), &mut add)?;
    if let Some(path) = &args.json {
        let json = serde_json::to_string_pretty(&rows)?;
        std::fs::write(path, json).with_context(|| format!("cannot write {}", path.display()))?;
    }
    let failed = rows.iter().filter(|row| !row.ok).count();
    println!("{} comparisons, {failed} failed", rows.len());
    Ok(failed == 0 && !rows.is_empty())
}

/// The comparisons that need Burn.
#[cfg(feature = "models")]
fn compare_models(
    args: &Args,
    wanted: impl Fn(&str) -> bool,
    scratch: &Path,
    add: &mut impl FnMut(Row),
) -> Result<()> {
    let names: Vec<&str> = models::NAMES.into_iter().filter(|name| wanted(name)).collect();
    let (tokenizer, preprocess) = (wanted("tokenizer"), wanted("preprocess"));
    if names.is_empty() && !tokenizer && !preprocess {
        return Ok(());
    }
    let python = Python::new(&args.python, models::SCRIPT)?;
    if tokenizer {
        tokenizer::compare(&python, scratch, add)?;
    }
    if preprocess {
        preprocess::compare(&python, scratch, add)?;
    }
    let device = clip_model::device(&args.device)?;
    let setting =
        models::Setting { device, precision: args.precision, on_cpu: args.device == "cpu" };
    for name in names {
        models::compare(&python, &scratch.join(name), name, &setting, add)?;
    }
    Ok(())
}
