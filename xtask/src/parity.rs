//! Starts the comparison, which is a program of its own: it needs Burn, and the rest here doesn't.

use std::process::Command;

use anyhow::{Context, Result, bail};

/// The comparison that needs no Burn, which takes long to build.
const WITHOUT_BURN: &str = "webdataset";

/// Builds and runs the comparison.
pub fn run(features: &str, arguments: &[String]) -> Result<()> {
    let only = arguments.iter().skip_while(|argument| *argument != "--only").nth(1);
    let without_burn =
        only.is_some_and(|name| name == WITHOUT_BURN).then_some("--no-default-features");
    let status = Command::new(env!("CARGO"))
        .args(["run", "--release", "--quiet", "--package", "clip-parity", "--features", features])
        .args(without_burn)
        .arg("--")
        .args(arguments)
        .status()
        .context("cannot run cargo")?;
    match status.success() {
        true => Ok(()),
        false => bail!("the comparison failed"),
    }
}
