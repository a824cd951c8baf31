//! The peers, in a Python process that waits while ours is measured.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde::de::DeserializeOwned;

/// A running Python process.
pub struct Peer {
    process: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    versions: BTreeMap<String, String>,
}

impl Peer {
    /// Starts the script, which first writes what isn't in the folder yet.
    pub fn start(program: &Path, script: &str, folder: &Path) -> Result<Self> {
        Self::start_with(program, script, folder, &[])
    }

    /// The same with more arguments for the script.
    pub fn start_with(
        program: &Path,
        script: &str,
        folder: &Path,
        arguments: &[&str],
    ) -> Result<Self> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let mut process = Command::new(program)
            .arg(root.join(script))
            .arg(folder)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot run {}", program.display()))?;
        let input = process.stdin.take().context("no way to write to the peer")?;
        let output = process.stdout.take().context("no way to read from the peer")?;
        let output = BufReader::new(output);
        let mut peer = Self { process, input, output, versions: BTreeMap::new() };
        peer.versions = serde_json::from_str(&peer.answer()?).context("versions of the peers")?;
        Ok(peer)
    }

    /// All versions.
    pub fn versions(&self) -> String {
        let all = self.versions.iter().map(|(name, version)| format!("{name} {version}"));
        all.collect::<Vec<_>>().join(", ")
    }

    /// A package with its version.
    pub fn package(&self, name: &str) -> String {
        format!("{name} {}", self.versions.get(name).map_or("", String::as_str))
    }

    /// Things a second that a peer does for so long.
    pub fn rate(&mut self, name: &str, length: Duration) -> Result<f64> {
        self.ask(name, length)
    }

    /// Another figure of a peer's.
    pub fn number(&mut self, name: &str) -> Result<f64> {
        self.ask(name, Duration::ZERO)
    }

    /// Many of them.
    pub fn numbers(&mut self, name: &str) -> Result<Vec<f64>> {
        self.ask(name, Duration::ZERO)
    }

    fn ask<T: DeserializeOwned>(&mut self, name: &str, length: Duration) -> Result<T> {
        writeln!(self.input, "{name} {}", length.as_secs_f64())?;
        self.input.flush()?;
        let answer = self.answer()?;
        serde_json::from_str(&answer)
            .with_context(|| format!("the peer's answer to {name}: {answer}"))
    }

    fn answer(&mut self) -> Result<String> {
        let mut line = String::new();
        ensure!(self.output.read_line(&mut line)? > 0, "the peer stopped; what it said is above");
        Ok(line)
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        // It has nothing to lose, and may be in the middle of something.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
