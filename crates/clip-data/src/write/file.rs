//! Files that appear under their names when they are complete.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::archive::Archive;
use super::{IndexedShard, ShardCompression};
use crate::DataError;

/// The end of the name of a file that isn't complete.
pub(super) const PART: &str = ".part";

/// Bytes read from or written to a file at a time.
pub(super) const CHUNK: usize = 1 << 17;

/// A shard being written. Dropped before it is [sealed](Self::seal), it leaves nothing.
pub(crate) struct ShardFile {
    path: PathBuf,
    part: PathBuf,
    /// `None` once it is finished.
    archive: Option<Archive<BufWriter<Digested>>>,
    samples: u64,
}

impl ShardFile {
    /// Begins a shard that will be at `path`.
    pub(crate) fn create(path: PathBuf, compression: ShardCompression) -> Result<Self, DataError> {
        let part = part_of(&path);
        let file = File::create(&part).map_err(|source| DataError::write(&part, source))?;
        let file = Digested { file, hash: Sha256::new(), bytes: 0 };
        let archive = Archive::new(BufWriter::with_capacity(CHUNK, file), compression);
        Ok(Self { path, part, archive: Some(archive), samples: 0 })
    }

    pub(crate) fn samples(&self) -> u64 {
        self.samples
    }

    /// Bytes of the whole archive, before compression, were it finished now.
    pub(crate) fn bytes(&self) -> u64 {
        self.archive.as_ref().map_or(0, Archive::bytes)
    }

    /// Adds the members of one sample, by full name.
    pub(crate) fn add<'a>(
        &mut self,
        members: impl Iterator<Item = (&'a [u8], &'a [u8])>,
    ) -> Result<(), DataError> {
        let Some(archive) = &mut self.archive else { return Ok(()) };
        for (name, bytes) in members {
            archive.add(name, bytes).map_err(|source| DataError::write(&self.part, source))?;
        }
        self.samples += 1;
        Ok(())
    }

    /// Writes the end mark and gives the shard its name, once all of it is on the disk.
    pub(crate) fn seal(mut self) -> Result<IndexedShard, DataError> {
        let sealed = self.finish().map_err(|source| DataError::write(&self.part, source))?;
        rename(&self.part, &self.path)?;
        let file = self.path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let sha256 = hex(sealed.hash);
        Ok(IndexedShard { file, samples: self.samples, bytes: sealed.bytes, sha256 })
    }

    fn finish(&mut self) -> io::Result<Digested> {
        let archive = self.archive.take().ok_or(io::ErrorKind::BrokenPipe)?;
        let file = archive.finish()?.into_inner().map_err(io::IntoInnerError::into_error)?;
        file.file.sync_all()?;
        Ok(file)
    }
}

impl Drop for ShardFile {
    fn drop(&mut self) {
        self.archive = None;
        // Nothing is left to remove of a sealed shard.
        let _ = fs::remove_file(&self.part);
    }
}

/// A file that counts and sums up what is written to it.
struct Digested {
    file: File,
    hash: Sha256,
    bytes: u64,
}

impl Write for Digested {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(bytes)?;
        self.hash.update(&bytes[..written]);
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// A digest in hexadecimal.
pub(super) fn hex(hash: Sha256) -> String {
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Where the file that will be at `path` is written.
pub(super) fn part_of(path: &Path) -> PathBuf {
    let mut part = path.as_os_str().to_owned();
    part.push(PART);
    part.into()
}

/// Writes a small file in one step, so that a reader finds the old one or the new one.
pub(super) fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), DataError> {
    let part = part_of(path);
    File::create(&part)
        .and_then(|mut file| file.write_all(bytes).and_then(|()| file.sync_all()))
        .map_err(|source| DataError::write(&part, source))?;
    rename(&part, path)
}

fn rename(part: &Path, path: &Path) -> Result<(), DataError> {
    fs::rename(part, path).map_err(|source| DataError::write(path, source))?;
    // Puts the name itself on the disk. Not all systems open folders for that, and then it is a
    // matter of seconds.
    if let Ok(folder) = File::open(folder_of(path)) {
        let _ = folder.sync_all();
    }
    Ok(())
}

/// The folder of a file, `.` where the path names none.
pub(crate) fn folder_of(path: &Path) -> &Path {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    folder.unwrap_or(Path::new("."))
}
