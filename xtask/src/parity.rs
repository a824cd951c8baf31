//! Starts the comparison, which is a program of its own: it needs Burn, and the rest here doesn't.

use std::process::Command;

use anyhow::{Context, Result, bail};

/// Builds and runs the comparison.
pub fn run(features: &str, arguments: &[String]) -> Result<()> {
    let status = Command::new(env!("CARGO"))
        .args(["run", "--release", "--quiet", "--package", "clip-parity", "--features", features])
        .arg("--")
        .args(arguments)
        .status()
        .context("cannot run cargo")?;
    match status.success() {
        true => Ok(()),
        false => bail!("the comparison failed"),
    }
}
