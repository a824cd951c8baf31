//! Measurements of memory, each in a process of its own: what one leaves allocated would be in the
//! next one's beginning.

use std::env;
use std::fs;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};

use crate::row::Row;

/// Set in such a process.
const APART: &str = "CLIP_BENCH_APART";

/// Whether this is a process for one measurement.
pub fn is_apart() -> bool {
    env::var_os(APART).is_some()
}

/// This program, to measure something once.
pub fn command() -> Result<Command> {
    let mut command = Command::new(env::current_exe()?);
    command.env(APART, "1").stdout(Stdio::null());
    Ok(command)
}

/// Runs the command, and returns its one row.
pub fn row(command: Command) -> Result<Row> {
    rows(command)?.pop().context("a round without a figure")
}

/// Runs the command, and returns its rows.
pub fn rows(mut command: Command) -> Result<Vec<Row>> {
    let file = tempfile::NamedTempFile::new()?;
    let status = command.arg("--json").arg(file.path()).status();
    ensure!(status.context("cannot run the measurement")?.success(), "a round failed");
    Ok(serde_json::from_slice(&fs::read(file.path())?)?)
}

/// A line of this process's status, in megabytes.
pub fn status(name: &str) -> Result<f64> {
    let text = fs::read_to_string("/proc/self/status").context("memory is told by Linux only")?;
    let line = text.lines().find(|line| line.starts_with(name));
    let number = line.and_then(|line| line.split_whitespace().nth(1));
    Ok(number.context("the status has no such line")?.parse::<f64>()? * 1024.0 / 1e6)
}
