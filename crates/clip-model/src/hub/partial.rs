use std::fs::{self, File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::HubError;

/// How many bytes are read at once.
pub(super) const CHUNK: usize = 1 << 18;

/// A blob that is still arriving, beside its later place. It outlives the process, so that the
/// next one goes on where this one was stopped.
pub(super) struct Partial {
    path: PathBuf,
    file: File,
    length: u64,
    hash: Sha256,
}

impl Partial {
    /// Opens what there is of `blob`, or nothing yet.
    pub(super) fn open(blob: &Path) -> Result<Self, HubError> {
        let path = blob.with_added_extension("incomplete");
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(HubError::io("create", folder))?;
        }
        let mut options = OpenOptions::new();
        options.create(true).truncate(false).read(true).write(true);
        let file = options.open(&path).map_err(HubError::io("write", &path))?;
        let mut partial = Self { path, file, length: 0, hash: Sha256::new() };
        partial.take_in().map_err(HubError::io("read", &partial.path))?;
        Ok(partial)
    }

    fn take_in(&mut self) -> std::io::Result<()> {
        let mut chunk = vec![0; CHUNK];
        loop {
            let count = self.file.read(&mut chunk)?;
            if count == 0 {
                return Ok(());
            }
            self.hash.update(&chunk[..count]);
            self.length += count as u64;
        }
    }

    /// How many bytes are there.
    pub(super) fn length(&self) -> u64 {
        self.length
    }

    /// Adds what arrived.
    pub(super) fn append(&mut self, bytes: &[u8]) -> Result<(), HubError> {
        self.file.write_all(bytes).map_err(HubError::io("write", &self.path))?;
        self.hash.update(bytes);
        self.length += bytes.len() as u64;
        Ok(())
    }

    /// Throws away what there is.
    pub(super) fn clear(&mut self) -> Result<(), HubError> {
        let cleared = self.file.set_len(0).and_then(|()| self.file.seek(SeekFrom::Start(0)));
        cleared.map_err(HubError::io("write", &self.path))?;
        self.hash = Sha256::new();
        self.length = 0;
        Ok(())
    }

    /// The lower-case hexadecimal SHA-256 of what there is.
    pub(super) fn sha256(&self) -> String {
        self.hash.clone().finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// Removes the file.
    pub(super) fn discard(self) {
        let _ = fs::remove_file(&self.path);
    }

    /// Makes the file visible as the blob.
    pub(super) fn publish(self, blob: &Path) -> Result<(), HubError> {
        self.file.sync_all().map_err(HubError::io("write", &self.path))?;
        drop(self.file);
        fs::rename(&self.path, blob).map_err(HubError::io("write", blob))
    }
}
