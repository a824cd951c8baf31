//! Writing that either happens whole or not at all.

use std::fs::File;
use std::io::Write;
use std::path::Path;

use crate::TrainError;

/// Writes a file beside its place and moves it there once it is on the disk.
pub(crate) fn write_atomically(path: &Path, bytes: &[u8]) -> Result<(), TrainError> {
    let partial = path.with_added_extension("partial");
    let write = || -> std::io::Result<()> {
        let mut file = File::create(&partial)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        std::fs::rename(&partial, path)
    };
    write().map_err(|error| {
        // What was written so far is of no use to anyone; the error is what matters.
        std::fs::remove_file(&partial).ok();
        TrainError::file("write", path, error)
    })
}

/// Reads a whole text file.
pub(crate) fn read_text(path: &Path) -> Result<String, TrainError> {
    std::fs::read_to_string(path).map_err(|error| TrainError::file("read", path, error))
}

/// Creates a folder and those above it.
pub(crate) fn create_folder(path: &Path) -> Result<(), TrainError> {
    std::fs::create_dir_all(path).map_err(|error| TrainError::file("create", path, error))
}
