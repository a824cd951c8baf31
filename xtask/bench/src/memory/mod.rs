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

/// All that is measured.
pub const ALL: [Figure; 2] = [loader::LOADER, training::TRAINING];

/// What is done in a round: so many samples, so many steps.
#[derive(Clone, Copy)]
pub struct Amounts {
    pub samples: u64,
    pub steps: u64,
}

/// Something that goes on for long, in the same memory.
pub struct Figure {
    pub name: &'static str,
    /// How much of it there is in a round.
    done: fn(Amounts) -> String,
    /// What the last tenth is compared with.
    early: &'static str,
    /// The ratio of the memory then to that of the last tenth should be no less.
    goal: f64,
    /// Mean megabytes then and in the last tenth.
    measure: fn(&Path, Amounts) -> Result<(f64, f64)>,
}

/// The figure's resident memory late in a round against that early in it, both on average: queues
/// are fuller at one moment than at another.
pub fn measure(figure: &Figure, folder: &Path, amounts: Amounts, rounds: usize) -> Result<Row> {
    let measured = match apart::is_apart() {
        true => vec![(figure.measure)(folder, amounts)?],
        false => {
            let round = |_| measure_apart(figure, folder, amounts);
            (0..rounds.max(1)).map(round).collect::<Result<_>>()?
        }
    };
    let rounds: Vec<(f64, f64)> = measured.into_iter().map(|(early, late)| (late, early)).collect();
    let name = format!("{}, {}", figure.name, (figure.done)(amounts));
    let peer = format!("{}; ours is the last", figure.early);
    Ok(Row::less_is_better(name, &rounds, peer, "MB", figure.goal))
}

/// One round, by this program.
fn measure_apart(figure: &Figure, folder: &Path, amounts: Amounts) -> Result<(f64, f64)> {
    let mut command = apart::command()?;
    command
        .args(["memory", "--only", figure.name])
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
