//! Refuses dependencies whose licence does not allow what ours does.

use std::process::Command;

use anyhow::{Context, Result, bail};
use serde::Deserialize;

/// Licences that a dependency may ask us to follow.
const ALLOWED: [&str; 18] = [
    "MIT",
    "MIT-0",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC0-1.0",
    "CDLA-Permissive-2.0",
    "ISC",
    "MPL-2.0",
    "NCSA",
    "Unicode-3.0",
    "Unicode-DFS-2016",
    "Unlicense",
    "WTFPL",
    "Zlib",
    "0BSD",
];

/// Packages that name no SPDX licence, with the one that their licence file holds.
const READ_BY_HAND: [(&str, &str); 1] = [("cfg_block", "Apache-2.0")];

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    version: String,
    license: Option<String>,
}

/// Checks every package that cargo would build, with all features.
pub fn check() -> Result<()> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--all-features", "--locked"])
        .output()
        .context("cannot run cargo metadata")?;
    if !output.status.success() {
        bail!("cargo metadata failed: {}", String::from_utf8_lossy(&output.stderr));
    }
    let metadata: Metadata =
        serde_json::from_slice(&output.stdout).context("cannot read cargo's metadata")?;
    let refused: Vec<String> = metadata.packages.iter().filter_map(problem).collect();
    if !refused.is_empty() {
        bail!("licences that are not allowed:\n  {}", refused.join("\n  "));
    }
    println!("{} packages, all under allowed licences", metadata.packages.len());
    Ok(())
}

/// What is wrong with a package's licence.
fn problem(package: &Package) -> Option<String> {
    let Package { name, version, license } = package;
    let by_hand = READ_BY_HAND.iter().find(|(known, _)| known == name).map(|(_, licence)| *licence);
    match license.as_deref().or(by_hand) {
        None => Some(format!("{name} {version} names no licence")),
        Some(expression) if allowed(expression) => None,
        Some(expression) => Some(format!("{name} {version} is under {expression}")),
    }
}

/// Whether an SPDX expression leaves a choice that is allowed: some alternative all of whose parts
/// are. Parentheses are read as far as crates use them: `(A OR B) AND C`.
fn allowed(expression: &str) -> bool {
    let parts = expression.split(" AND ").map(|part| part.trim_matches(['(', ')']));
    let alternatives = |part: &str| part.split(" OR ").flat_map(|p| p.split('/')).any(known);
    let nested = expression.contains('(');
    parts.into_iter().all(alternatives) || !nested && expression.split(" OR ").any(all_known)
}

fn all_known(alternative: &str) -> bool {
    alternative.split(" AND ").all(known)
}

fn known(licence: &str) -> bool {
    ALLOWED.contains(&licence.trim().trim_matches(['(', ')']))
}

#[cfg(test)]
mod tests {
    use super::allowed;

    #[test]
    fn a_choice_is_enough_and_a_demand_is_not() {
        for expression in [
            "MIT",
            "MIT OR GPL-3.0",
            "MIT/Apache-2.0",
            "(MIT OR Apache-2.0) AND Unicode-3.0",
            "Apache-2.0 WITH LLVM-exception OR GPL-2.0",
        ] {
            assert!(allowed(expression), "{expression}");
        }
        for expression in
            ["GPL-3.0", "MIT AND GPL-3.0", "AGPL-3.0 OR GPL-2.0", "(MIT OR GPL-3.0) AND GPL-2.0"]
        {
            assert!(!allowed(expression), "{expression}");
        }
    }
}
