//! Tar archives that are the same bytes whenever and wherever they are made.

use std::io::{self, Write};

use flate2::write::GzEncoder;
use flate2::{Compression, GzBuilder};
use serde::{Deserialize, Serialize};
use tar::{Builder, EntryType, Header};

/// Tar counts in blocks of so many bytes.
const BLOCK: u64 = 512;

/// Room for a name in a header.
const SHORT_NAME: usize = 100;

/// Under this name a longer name comes before its member.
const LONG_NAME: &[u8] = b"././@LongLink";

/// Bytes of the end mark.
const END: u64 = 2 * BLOCK;

/// How shards are compressed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ShardCompression {
    /// Not at all: `.tar`. Images hardly get smaller.
    #[default]
    None,
    /// gzip: `.tar.gz`.
    Gzip,
}

impl ShardCompression {
    /// The end of the shards' names, with its dot.
    pub fn ending(self) -> &'static str {
        match self {
            Self::None => ".tar",
            Self::Gzip => ".tar.gz",
        }
    }
}

/// An archive being written.
pub(crate) struct Archive<W: Write> {
    tar: Builder<Encoder<W>>,
    bytes: u64,
}

impl<W: Write> Archive<W> {
    pub(crate) fn new(sink: W, compression: ShardCompression) -> Self {
        let encoder = match compression {
            ShardCompression::None => Encoder::Plain(sink),
            ShardCompression::Gzip => {
                Encoder::Gzip(GzBuilder::new().mtime(0).write(sink, Compression::default()))
            }
        };
        Self { tar: Builder::new(encoder), bytes: END }
    }

    /// Bytes of the whole archive, before compression, were it finished now.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Adds a member under exactly this name.
    pub(crate) fn add(&mut self, name: &[u8], bytes: &[u8]) -> io::Result<()> {
        if name.len() > SHORT_NAME {
            let text = [name, b"\0"].concat();
            let header = header(LONG_NAME, EntryType::GNULongName, text.len());
            self.tar.append(&header, text.as_slice())?;
        }
        self.tar.append(&header(name, EntryType::Regular, bytes.len()), bytes)?;
        self.bytes += member_bytes(name, bytes.len() as u64);
        Ok(())
    }

    /// Writes the end mark and gives the sink back.
    pub(crate) fn finish(self) -> io::Result<W> {
        match self.tar.into_inner()? {
            Encoder::Plain(sink) => Ok(sink),
            Encoder::Gzip(gzip) => gzip.finish(),
        }
    }
}

/// Bytes that a member adds to an archive.
pub(super) fn member_bytes(name: &[u8], bytes: u64) -> u64 {
    let long = if name.len() > SHORT_NAME { BLOCK + padded(name.len() as u64 + 1) } else { 0 };
    long + BLOCK + padded(bytes)
}

/// A header that carries nothing of the machine or the moment it was made on.
fn header(name: &[u8], kind: EntryType, size: usize) -> Header {
    let mut header = Header::new_gnu();
    // Written here, for `set_path` would tidy the name up.
    let short = &name[..name.len().min(SHORT_NAME)];
    header.as_old_mut().name[..short.len()].copy_from_slice(short);
    header.set_entry_type(kind);
    header.set_size(size as u64);
    header.set_mode(0o644);
    header.set_mtime(0);
    header.set_uid(0);
    header.set_gid(0);
    header.set_cksum();
    header
}

fn padded(bytes: u64) -> u64 {
    bytes.next_multiple_of(BLOCK)
}

enum Encoder<W: Write> {
    Plain(W),
    Gzip(GzEncoder<W>),
}

impl<W: Write> Write for Encoder<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(sink) => sink.write(bytes),
            Self::Gzip(gzip) => gzip.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Plain(sink) => sink.flush(),
            Self::Gzip(gzip) => gzip.flush(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_any_length_are_kept_and_the_size_is_known_beforehand() {
        for length in [1, 99, 100, 101, 511, 512, 3000] {
            let name = "./d//".to_owned() + &"n".repeat(length);
            let mut archive = Archive::new(Vec::new(), ShardCompression::None);
            archive.add(name.as_bytes(), b"bytes").unwrap();
            let known = archive.bytes();
            let bytes = archive.finish().unwrap();
            assert_eq!(bytes.len() as u64, known, "{length}");
            let mut read = tar::Archive::new(bytes.as_slice());
            let entry = read.entries().unwrap().next().unwrap().unwrap();
            assert_eq!(&*entry.path_bytes(), name.as_bytes());
        }
    }
}
