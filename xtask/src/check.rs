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

/// Runs all steps and stops at the first that fails.
pub fn run() -> Result<()> {
    println!("== licences of dependencies");
    licences::check()?;
    for (name, arguments) in STEPS {
        println!("== {name}: cargo {}", arguments.join(" "));
        let status = Command::new(env!("CARGO"))
            .args(arguments)
            .env("RUSTDOCFLAGS", "-D warnings")
            .status()
            .with_context(|| format!("cannot run cargo {}", arguments.join(" ")))?;
        if !status.success() {
            bail!("{name} failed; repeat it with: cargo {}", arguments.join(" "));
        }
    }
    println!("== all checks passed");
    Ok(())
}
