//! Fashion-MNIST (Xiao, Rasul and Vollgraf 2017) from Debian's package, the files as they are.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

use crate::data::deb::DebId;
use crate::data::output::write_file;

pub const PACKAGE: DebId =
    DebId { name: "dataset-fashion-mnist", version: "0.0~git20200523.55506a9-1" };

/// Writes the four files.
pub fn fetch(out: &Path, from: Option<&Path>) -> Result<(PathBuf, String)> {
    let fetched = tempfile::tempdir().context("cannot make a folder for the download")?;
    let package = PACKAGE.find(from.unwrap_or(fetched.path()), from.is_none())?;
    let folder = super::folder(out, "fashion_mnist");
    fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let mut files = 0;
    package.each_file("-ubyte.gz", |path, bytes| {
        files += 1;
        let name = path.rsplit('/').next().unwrap_or(path);
        write_file(&folder.join(name), &bytes)
    })?;
    ensure!(files == 4, "{} holds {files} files of images and labels, not 4", PACKAGE.file_name());
    Ok((folder, "60,000 images to learn from and 10,000 to measure on".into()))
}
