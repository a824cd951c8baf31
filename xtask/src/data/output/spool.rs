//! Bytes put aside on disk until their order is known.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::Path;

use anyhow::{Context, Result};

/// A file without a name, gone when the process ends however it ends, that holds what would not
/// fit in memory at larger image sizes.
pub struct Spool {
    file: File,
    end: u64,
}

/// Where bytes lie in a [`Spool`].
#[derive(Clone, Copy, Debug, Default)]
pub struct Span {
    start: u64,
    len: usize,
}

impl Spool {
    /// An empty spool on the disk of `folder`.
    pub fn new_in(folder: &Path) -> Result<Self> {
        let file = tempfile::tempfile_in(folder)
            .with_context(|| format!("cannot make a temporary file in {}", folder.display()))?;
        Ok(Self { file, end: 0 })
    }

    /// Puts bytes aside.
    pub fn push(&mut self, bytes: &[u8]) -> Result<Span> {
        let span = Span { start: self.end, len: bytes.len() };
        self.file.seek(SeekFrom::Start(span.start))?;
        self.file.write_all(bytes).context("cannot write the temporary file; is the disk full?")?;
        self.end += bytes.len() as u64;
        Ok(span)
    }

    /// Takes bytes back.
    pub fn read(&mut self, span: Span) -> Result<Vec<u8>> {
        let mut bytes = vec![0; span.len];
        self.file.seek(SeekFrom::Start(span.start))?;
        self.file.read_exact(&mut bytes).context("cannot read the temporary file back")?;
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_come_back_in_any_order_and_after_more_were_added() -> Result<()> {
        let folder = tempfile::tempdir()?;
        let mut spool = Spool::new_in(folder.path())?;
        let (first, empty) = (spool.push(b"first")?, spool.push(b"")?);
        assert_eq!(spool.read(empty)?, b"");
        let second = spool.push(b"second")?;
        assert_eq!((spool.read(second)?, spool.read(first)?), (b"second".into(), b"first".into()));
        Ok(())
    }
}
