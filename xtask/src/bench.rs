//! Starts the measurements, which are a program of their own: they need Burn, through the loader.

use std::process::Command;

use anyhow::{Context, Result, bail};

/// Builds and runs the measurements.
pub fn run(features: &str, arguments: &[String]) -> Result<()> {
    let status = Command::new(env!("CARGO"))
        .args(["run", "--release", "--quiet", "--package", "clip-bench", "--features", features])
        .arg("--")
        .args(arguments)
        .status()
        .context("cannot run cargo")?;
    match status.success() {
        true => Ok(()),
        false => bail!("the measurements failed"),
    }
}
