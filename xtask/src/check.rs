//! Everything that must hold before a change lands, cheapest first.

use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::licences;

/// Turns on what is off by default and needs nothing installed.
const OPTIONAL: &str = "--features=clip-examples/tui";

/// Name and cargo arguments of each step after the licences.
const STEPS: [(&str, &[&str]); 5] = [
    ("format", &["fmt", "--all", "--check"]),
    ("lints", &["clippy", "--workspace", "--all-targets", OPTIONAL, "--", "-D", "warnings"]),
    (
        "lints of the bare encoders",
        &["clippy", "-p", "clip-model", "--no-default-features", "--", "-D", "warnings"],
    ),
    ("documentation", &["doc", "--workspace", OPTIONAL, "--no-deps", "--document-private-items"]),
    ("tests", &["test", "--workspace"]),
];

/// Turns on decoding by libjpeg-turbo, which is built from source.
const TURBOJPEG: &str = "--features=clip-data/turbojpeg";

/// What that needs.
const TURBOJPEG_TOOLS: [&str; 2] = ["cmake", "nasm"];

/// As [`STEPS`], where those tools are there.
const TURBOJPEG_STEPS: [(&str, &[&str]); 2] = [
    (
        "lints with turbojpeg",
        &["clippy", "--workspace", "--all-targets", TURBOJPEG, "--", "-D", "warnings"],
    ),
    (
        "tests with turbojpeg",
        &["test", "--workspace", "--lib", TURBOJPEG, "--", "augment", "decode", "preprocess"],
    ),
];

/// Runs all steps and stops at the first that fails.
pub fn run() -> Result<()> {
    println!("== licences of dependencies");
    licences::check()?;
    STEPS.into_iter().try_for_each(step)?;
    match TURBOJPEG_TOOLS.into_iter().find(|tool| !is_there(tool)) {
        None => TURBOJPEG_STEPS.into_iter().try_for_each(step)?,
        Some(tool) => println!("== skipped for want of {tool}: lints and tests with turbojpeg"),
    }
    println!("== all checks passed");
    Ok(())
}

fn step((name, arguments): (&str, &[&str])) -> Result<()> {
    println!("== {name}: cargo {}", arguments.join(" "));
    let status = Command::new(env!("CARGO"))
        .args(arguments)
        .env("RUSTDOCFLAGS", "-D warnings")
        .status()
        .with_context(|| format!("cannot run cargo {}", arguments.join(" ")))?;
    if !status.success() {
        bail!("{name} failed; repeat it with: cargo {}", arguments.join(" "));
    }
    Ok(())
}

/// Whether a program can be run.
fn is_there(program: &str) -> bool {
    Command::new(program).arg("--version").output().is_ok()
}
