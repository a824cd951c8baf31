//! Whether memory stays what it is.

mod loader;
mod pictures;
mod training;

use std::path::Path;
use std::process::Stdio;

use anyhow::{Context, Result, ensure};

use crate::ALLOCATOR;
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
    /// The tenths before that one.
    warmup: usize,
    /// The ratio of the memory then to that of the last tenth should be no less.
    goal: f64,
    /// Whether the allocator keeps pages that nothing is in, as `.cargo/config.toml` has it for the
    /// speed of training; or gives them back, as is its default. What is kept is the most that there
    /// ever was of each size, which goes on rising where sizes vary as those of images do.
    keeps_pages: bool,
    measure: fn(&Path, Amounts) -> Result<Memory>,
}

/// Memory as it was again and again, in megabytes.
struct Memory {
    /// What the program has asked for and not given back.
    held: Vec<f64>,
    /// What the system has given it: pages that the allocator keeps for later too.
    resident: Vec<f64>,
}

impl Memory {
    /// Of so many moments at most: its own memory does not grow.
    fn of(moments: usize) -> Self {
        Self { held: Vec::with_capacity(moments), resident: Vec::with_capacity(moments) }
    }

    fn look(&mut self) -> Result<()> {
        self.held.push(ALLOCATOR.allocated() as f64 / 1e6);
        self.resident.push(apart::status("VmRSS:")?);
        Ok(())
    }
}

/// The figure's memory early in a round against that of the last tenth, both on average, for queues
/// are fuller at one moment than at another: what is held, and what is resident.
pub fn measure(
    figure: &Figure,
    folder: &Path,
    amounts: Amounts,
    rounds: usize,
) -> Result<[Row; 2]> {
    let measured = match apart::is_apart() {
        true => vec![early_and_late(figure, &(figure.measure)(folder, amounts)?)?],
        false => {
            let round = |_| measure_apart(figure, folder, amounts);
            (0..rounds.max(1)).map(round).collect::<Result<_>>()?
        }
    };
    let row = |kind: usize, what: &str| {
        let rounds: Vec<_> = measured.iter().map(|round| (round[kind].1, round[kind].0)).collect();
        let name = format!("{} {what}, {}", figure.name, (figure.done)(amounts));
        let peer = format!("{}; ours is the last", figure.early);
        Row::less_is_better(name, &rounds, peer, "MB", figure.goal)
    };
    Ok([row(0, "held"), row(1, "resident")])
}

/// Mean megabytes held, and resident: early, and in the last tenth.
type Round = [(f64, f64); 2];

fn early_and_late(figure: &Figure, memory: &Memory) -> Result<Round> {
    let tenth = memory.held.len() / 10;
    ensure!(tenth > 0, "it takes at least ten of them");
    let early = figure.warmup * tenth;
    let both = |values: &[f64]| {
        (mean(&values[early..early + tenth]), mean(&values[values.len() - tenth..]))
    };
    Ok([both(&memory.held), both(&memory.resident)])
}

/// One round, by this program.
fn measure_apart(figure: &Figure, folder: &Path, amounts: Amounts) -> Result<Round> {
    let mut command = apart::command()?;
    command
        .args(["memory", "--only", figure.name])
        .args(["--samples", &amounts.samples.to_string()])
        .args(["--steps", &amounts.steps.to_string()])
        .arg("--data")
        .arg(folder)
        .stderr(Stdio::null());
    if !figure.keeps_pages {
        command.env_remove("MIMALLOC_PURGE_DELAY");
    }
    let rows = apart::rows(command)?;
    let round: Vec<_> = rows.iter().map(|row| (row.peer, row.ours)).collect();
    let [held, resident] = round.try_into().ok().context("a round has two figures")?;
    println!(
        "  held {:.2} MB, then {:.2}; resident {:.1} MB, then {:.1}",
        held.0, held.1, resident.0, resident.1
    );
    Ok([held, resident])
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}
