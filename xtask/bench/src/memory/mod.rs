//! Whether memory stays what it is.

mod loader;
mod pictures;
mod training;

use std::ops::Range;
use std::path::Path;
use std::process::Stdio;

use anyhow::Result;

use crate::apart;
use crate::row::Row;

/// The loader's, over many samples.
pub const LOADER: &str = "memory of the loader";
/// A run's, over many steps.
pub const TRAINING: &str = "memory of training";

/// What is done in a round: so many samples, so many steps.
#[derive(Clone, Copy)]
pub struct Amounts {
    pub samples: u64,
    pub steps: u64,
}

/// The figure's resident memory late in a round against that early in it, both on average: queues
/// are fuller at one moment than at another.
pub fn measure(figure: &str, folder: &Path, amounts: Amounts, rounds: usize) -> Result<Row> {
    let measured = match apart::is_apart() {
        true => vec![measure_once(figure, folder, amounts)?],
        false => {
            (0..rounds).map(|_| measure_apart(figure, folder, amounts)).collect::<Result<_>>()?
        }
    };
    let rounds: Vec<(f64, f64)> = measured.into_iter().map(|(early, late)| (late, early)).collect();
    let (done, early, goal) = match figure {
        TRAINING => (format!("{} steps", amounts.steps), "the second tenth", training::GOAL),
        _ => (format!("{} samples", amounts.samples), "the first tenth", loader::GOAL),
    };
    let peer = format!("{early}; ours is the last");
    Ok(Row::less_is_better(format!("{figure}, {done}"), &rounds, peer, "MB", goal))
}

/// Megabytes early and late in a round.
fn measure_once(figure: &str, folder: &Path, amounts: Amounts) -> Result<(f64, f64)> {
    match figure {
        TRAINING => training::measure(folder, amounts.steps),
        _ => loader::measure(folder, amounts.samples),
    }
}

/// One round, by this program.
fn measure_apart(figure: &str, folder: &Path, amounts: Amounts) -> Result<(f64, f64)> {
    let mut command = apart::command()?;
    command
        .args(["memory", "--only", figure])
        .args(["--samples", &amounts.samples.to_string()])
        .args(["--steps", &amounts.steps.to_string()])
        .arg("--data")
        .arg(folder)
        // The allocator's default: pages that nothing is in go back to the system.
        .env_remove("MIMALLOC_PURGE_DELAY")
        .stderr(Stdio::null());
    let row = apart::row(command)?;
    println!("  {:.1} MB early, {:.1} MB late", row.peer, row.ours);
    Ok((row.peer, row.ours))
}

fn mean(values: &[f64], range: Range<usize>) -> f64 {
    let values = &values[range];
    values.iter().sum::<f64>() / values.len() as f64
}
