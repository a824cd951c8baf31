//! Opens shards wherever they are, and tells a broken source from a broken shard.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
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
        let Location::File(path) = location else {
            return Err(DataError::BadSpec {
                spec: location.to_string(),
                reason: "only files can be opened".to_owned(),
            });
        };
        let file = File::open(path).map_err(|source| DataError::io(path, source))?;
        let failure = Arc::new(OnceLock::new());
        let watched = Watched { source: Box::new(file), failure: failure.clone() };
        let bytes = decompressed(watched).map_err(|source| DataError::io(path, source))?;
        Ok(OpenShard { bytes, failure })
    }
}

/// The bytes of an open shard, decompressed.
pub struct OpenShard {
    pub(crate) bytes: Box<dyn BufRead + Send>,
    failure: Arc<OnceLock<String>>,
}

impl OpenShard {
    /// Why the source stopped giving bytes, if it did: then the shard itself may be whole.
    pub(crate) fn failure(&self) -> Option<&str> {
        self.failure.get().map(String::as_str)
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

fn decompressed(source: Watched) -> io::Result<Box<dyn BufRead + Send>> {
    let mut source = BufReader::with_capacity(CHUNK, source);
    if source.fill_buf()?.starts_with(&[0x1f, 0x8b]) {
        return Ok(Box::new(BufReader::with_capacity(CHUNK, MultiGzDecoder::new(source))));
    }
    Ok(Box::new(source))
}
