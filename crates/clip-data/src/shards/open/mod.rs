//! Opens shards wherever they are, and tells a broken source from a broken shard.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};
use std::sync::{Arc, OnceLock};

use flate2::bufread::MultiGzDecoder;

use super::Location;
use crate::DataError;

/// Bytes read from a source at a time.
const CHUNK: usize = 1 << 17;

/// Opens shards.
#[derive(Clone, Debug, Default)]
pub struct ShardOpener {}

impl ShardOpener {
    /// Opens a shard, told by content: `.tar`, gzipped.
    ///
    /// # Errors
    ///
    /// When the shard can't be opened or read at all.
    pub fn open(&self, location: &Location) -> Result<OpenShard, DataError> {
        self.open_at(location, 0)
    }

    /// Opens a shard at this byte of the decompressed tar: a plain file without reading what lies
    /// before.
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open).
    pub fn open_at(&self, location: &Location, offset: u64) -> Result<OpenShard, DataError> {
        let Location::File(path) = location else {
            return Err(DataError::BadSpec {
                spec: location.to_string(),
                reason: "only files can be opened".to_owned(),
            });
        };
        let failure = Arc::new(OnceLock::new());
        let open = || -> io::Result<Box<dyn BufRead + Send>> {
            let mut file = File::open(path)?;
            let compressed = is_gzip(&mut file)?;
            if !compressed {
                file.seek(SeekFrom::Start(offset))?;
            }
            let watched = Watched { source: Box::new(file), failure: failure.clone() };
            let source = BufReader::with_capacity(CHUNK, watched);
            if !compressed {
                return Ok(Box::new(source));
            }
            let mut bytes = BufReader::with_capacity(CHUNK, MultiGzDecoder::new(source));
            io::copy(&mut bytes.by_ref().take(offset), &mut io::sink())?;
            Ok(Box::new(bytes))
        };
        let bytes = open().map_err(|source| DataError::io(path, source))?;
        Ok(OpenShard { bytes, failure, consumed: offset })
    }
}

/// The bytes of an open shard, decompressed.
pub struct OpenShard {
    bytes: Box<dyn BufRead + Send>,
    failure: Arc<OnceLock<String>>,
    consumed: u64,
}

impl OpenShard {
    /// Why the source stopped giving bytes, if it did: then the shard itself may be whole.
    pub(super) fn failure(&self) -> Option<&str> {
        self.failure.get().map(String::as_str)
    }

    /// How many bytes of the decompressed tar lie before the next one.
    pub(super) fn consumed(&self) -> u64 {
        self.consumed
    }
}

impl Read for OpenShard {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.bytes.read(buffer)?;
        self.consumed += length as u64;
        Ok(length)
    }
}

impl BufRead for OpenShard {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.bytes.fill_buf()
    }

    fn consume(&mut self, amount: usize) {
        self.bytes.consume(amount);
        self.consumed += amount as u64;
    }
}

/// Notes what a source fails with, before decompression and tar wrap it in errors of their own.
struct Watched {
    source: Box<dyn Read + Send>,
    failure: Arc<OnceLock<String>>,
}

impl Read for Watched {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.source.read(buffer).inspect_err(|error| {
            if error.kind() != io::ErrorKind::Interrupted {
                let _ = self.failure.set(error.to_string());
            }
        })
    }
}

/// Whether the file starts like one; reads from its start and goes back there.
fn is_gzip(file: &mut File) -> io::Result<bool> {
    let mut start = Vec::new();
    file.take(2).read_to_end(&mut start)?;
    file.rewind()?;
    Ok(start == [0x1f, 0x8b])
}
