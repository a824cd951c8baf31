use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

/// The reference's environment.
pub struct Python {
    program: PathBuf,
    versions: BTreeMap<String, String>,
}

impl Python {
    /// Finds out which versions there are, from a script that has a command for it.
    pub fn new(program: &Path, script: &str) -> Result<Self> {
        let mut python = Self { program: program.into(), versions: BTreeMap::new() };
        let text = python.run(script, ["versions"])?;
        python.versions = serde_json::from_str(&text).context("versions of the reference")?;
        Ok(python)
    }

    /// A package with its version.
    pub fn package(&self, name: &'static str) -> (&'static str, String) {
        (name, self.versions.get(name).cloned().unwrap_or_default())
    }

    /// Runs a script of the project and returns what it prints.
    pub fn run<S: AsRef<OsStr>>(
        &self,
        script: &str,
        arguments: impl IntoIterator<Item = S>,
    ) -> Result<String> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let output = Command::new(&self.program)
            .arg(root.join(script))
            .args(arguments)
            .env("HF_HUB_OFFLINE", "1")
            .stderr(Stdio::piped())
            .output()
            .with_context(|| format!("cannot run {}", self.program.display()))?;
        if !output.status.success() {
            let program = self.program.display();
            bail!("{program} {script}:\n{}", String::from_utf8_lossy(&output.stderr));
        }
        Ok(String::from_utf8(output.stdout)?)
    }
}
