//! Shards of bounded size, each of them complete or absent.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use flate2::Crc;
use tempfile::NamedTempFile;

use super::file::PART;
use super::{ShardRecord, append};

/// Most samples of a shard.
const MOST_SAMPLES: usize = 4096;
/// Bytes after which a shard is full.
const MOST_BYTES: u64 = 64 << 20;

/// Writes samples to `PREFIX-000.tar`, `PREFIX-001.tar` and so on.
///
/// A shard gets its name when it is complete. One that is dropped before leaves nothing.
pub struct ShardWriter {
    folder: PathBuf,
    prefix: String,
    open: Option<Open>,
    done: Vec<ShardRecord>,
}

struct Open {
    archive: tar::Builder<Summed>,
    samples: usize,
}

impl ShardWriter {
    /// A writer to a folder that exists.
    pub fn new(folder: &Path, prefix: &str) -> Self {
        let (folder, prefix) = (folder.to_path_buf(), prefix.to_owned());
        Self { folder, prefix, open: None, done: Vec::new() }
    }

    /// Adds a sample: its key, and its members as extension and bytes.
    pub fn add(&mut self, key: &str, members: &[(&str, &[u8])]) -> Result<()> {
        let mut open = match self.open.take() {
            Some(open) => open,
            None => Open { archive: tar::Builder::new(Summed::new(&self.folder)?), samples: 0 },
        };
        for (extension, bytes) in members {
            append(&mut open.archive, &format!("{key}.{extension}"), bytes)?;
        }
        open.samples += 1;
        if open.samples == MOST_SAMPLES || open.archive.get_ref().bytes >= MOST_BYTES {
            self.close(open)
        } else {
            self.open = Some(open);
            Ok(())
        }
    }

    /// Completes the last shard and tells of all.
    pub fn finish(mut self) -> Result<Vec<ShardRecord>> {
        if let Some(open) = self.open.take() {
            self.close(open)?;
        }
        Ok(self.done)
    }

    fn close(&mut self, open: Open) -> Result<()> {
        let file = format!("{}-{:03}.tar", self.prefix, self.done.len());
        let target = self.folder.join(&file);
        let record = open
            .archive
            .into_inner()
            .context("cannot complete the archive")
            .and_then(|summed| summed.finish(&target, file, open.samples))
            .with_context(|| format!("cannot write {}", target.display()))?;
        self.done.push(record);
        Ok(())
    }
}

/// A file that counts and sums up what is written to it.
struct Summed {
    file: BufWriter<NamedTempFile<File>>,
    crc: Crc,
    bytes: u64,
}

impl Summed {
    fn new(folder: &Path) -> Result<Self> {
        let mut names = tempfile::Builder::new();
        // Made by hand, for a shard to have a new file's ordinary permissions.
        let file = names
            .prefix(".")
            .suffix(PART)
            .make_in(folder, |path| File::create_new(path))
            .with_context(|| format!("cannot make a file in {}", folder.display()))?;
        Ok(Self { file: BufWriter::new(file), crc: Crc::new(), bytes: 0 })
    }

    fn finish(self, target: &Path, file: String, samples: usize) -> Result<ShardRecord> {
        let part = self.file.into_inner().map_err(io::IntoInnerError::into_error)?;
        part.as_file().sync_all()?;
        part.persist(target)?;
        Ok(ShardRecord {
            file,
            samples,
            bytes: self.bytes,
            crc32: format!("{:08x}", self.crc.sum()),
        })
    }
}

impl Write for Summed {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(bytes)?;
        self.crc.update(&bytes[..written]);
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn names(folder: &Path) -> Result<Vec<String>> {
        let entries = fs::read_dir(folder)?;
        let mut names: Vec<_> = entries
            .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()))
            .collect::<Result<_>>()?;
        names.sort();
        Ok(names)
    }

    #[test]
    fn a_full_shard_is_followed_by_another() -> Result<()> {
        let folder = tempfile::tempdir()?;
        let mut writer = ShardWriter::new(folder.path(), "train");
        for number in 0..=MOST_SAMPLES {
            writer.add(&format!("{number}"), &[("txt", b"a cat")])?;
        }
        let records = writer.finish()?;
        assert_eq!(names(folder.path())?, ["train-000.tar", "train-001.tar"]);
        assert_eq!([records[0].samples, records[1].samples], [MOST_SAMPLES, 1]);
        let bytes = fs::read(folder.path().join("train-001.tar"))?;
        let mut crc = Crc::new();
        crc.update(&bytes);
        assert_eq!(records[1].crc32, format!("{:08x}", crc.sum()));
        assert_eq!(records[1].bytes, bytes.len() as u64);
        Ok(())
    }

    #[test]
    fn an_abandoned_shard_leaves_nothing() -> Result<()> {
        let folder = tempfile::tempdir()?;
        let mut writer = ShardWriter::new(folder.path(), "train");
        writer.add("1", &[("txt", b"a cat")])?;
        assert_eq!(names(folder.path())?.len(), 1);
        drop(writer);
        assert_eq!(names(folder.path())?, [""; 0]);
        Ok(())
    }
}
