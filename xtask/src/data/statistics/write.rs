//! Writing files so that a reader never sees half of one.

use std::fs;
use std::io;
use std::path::Path;

use anyhow::{Result, ensure};

/// Makes sure, before any work is done, that the file's folder exists.
pub fn check_folder(file: &Path) -> Result<()> {
    let folder = match file.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    };
    ensure!(folder.is_dir(), "{} is no folder: make it first", folder.display());
    ensure!(!file.is_dir(), "{} is a folder: name a file", file.display());
    Ok(())
}

/// Writes beside the target and renames in one step; nothing is left where that fails.
pub fn file(target: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut beside = target.as_os_str().to_owned();
    beside.push(".part");
    fs::write(&beside, bytes).and_then(|()| fs::rename(&beside, target)).inspect_err(|_| {
        let _ = fs::remove_file(&beside);
    })
}
