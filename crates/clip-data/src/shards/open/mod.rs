//! Opens shards wherever they are, and tells a broken source from a broken shard.

mod decompress;
mod options;
mod pipe;
#[cfg_attr(not(feature = "remote"), path = "no_remote.rs")]
mod remote;
mod source;
#[cfg(test)]
mod tests;
mod zstd;

use std::fs::File;
use std::io::{self, BufRead, Read};
use std::path::Path;
use std::sync::Arc;

use self::decompress::decompressed;
use self::options::Patience;
use self::pipe::Pipe;
use self::remote::Remote;
use self::source::{ShardBytes, Source};
use super::Location;
use crate::DataError;

pub use self::options::{CacheOptions, OpenOptions};

/// ShardBytes read from a source at a time.
const CHUNK: usize = 1 << 17;

/// How much a command may write behind the end of its archive before its exit status is no longer
/// waited for.
const MAX_REST: u64 = 64 << 20;

/// Opens shards. Clones share connections and the cache.
#[derive(Clone, Debug)]
pub struct ShardOpener {
    patience: Patience,
    remote: Arc<Remote>,
}

impl Default for ShardOpener {
    fn default() -> Self {
        Self::new(&OpenOptions::default())
    }
}

impl ShardOpener {
    /// Opens shards as the options say. Nothing is connected or written yet.
    pub fn new(options: &OpenOptions) -> Self {
        Self::with_patience(options, Patience::of(options))
    }

    fn with_patience(options: &OpenOptions, patience: Patience) -> Self {
        Self { remote: Arc::new(Remote::new(options.cache.clone(), patience.clone())), patience }
    }

    /// Opens a shard: a tar, plain or compressed by gzip or zstd, which its content tells.
    ///
    /// - A file that can't be opened for a reason that may pass is tried again.
    /// - A command is run by `sh -c`. It ends with the shard; one that ends with an exit status
    ///   other than 0, or that is silent for too long, has failed. Nothing is tried again.
    /// - An address (feature `remote`) is read as it arrives. A connection that is dropped, stalls
    ///   or is refused for now is made again and goes on at the byte that was reached, as long as
    ///   the object is the same. `http(s)://` addresses are used as they are, with what follows
    ///   `?`; `s3://`, `gs://` and `az://` take credentials, region and endpoint from the
    ///   environment, as the `object_store` crate does (`AWS_*`, `GOOGLE_*`, `AZURE_*`).
    ///
    /// # Errors
    ///
    /// When nothing of the shard can be read; what fails later is a fault of its samples.
    pub fn open(&self, location: &Location) -> Result<OpenShard, DataError> {
        self.open_at(location, 0)
    }

    /// Opens a shard at this byte of the decompressed tar. Of a plain tar in a file or at an
    /// address, nothing is read that lies before.
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open).
    pub fn open_at(&self, location: &Location, offset: u64) -> Result<OpenShard, DataError> {
        let source = Source::new(match location {
            Location::File(path) => Box::new(self.open_file(path)?),
            Location::Pipe(command) => Box::new(self.run(command)?),
            Location::Url(url) => self.connect(url)?,
        });
        let bytes = decompressed(source.clone(), offset).map_err(|error| match location {
            Location::File(path) => DataError::io(path, error),
            Location::Url(_) | Location::Pipe(_) => DataError::source(location, &error),
        })?;
        let has_status = matches!(location, Location::Pipe(_));
        Ok(OpenShard { bytes, source, has_status, consumed: offset })
    }

    /// Why the cache couldn't be used the last time it couldn't: then shards are read over the
    /// network.
    pub fn cache_problem(&self) -> Option<String> {
        self.remote.cache_problem()
    }

    fn open_file(&self, path: &Path) -> Result<File, DataError> {
        let file = self.patience.persist(|| File::open(path));
        file.map_err(|source| DataError::io(path, source))
    }

    fn run(&self, command: &str) -> Result<Pipe, DataError> {
        let pipe = self.patience.persist(|| Pipe::start(command, self.patience.timeout));
        pipe.map_err(|error| DataError::source(&Location::Pipe(command.to_owned()), &error))
    }

    fn connect(&self, url: &str) -> Result<Box<dyn ShardBytes>, DataError> {
        let opened = self.remote.open(url);
        opened.map_err(|error| DataError::source(&Location::Url(url.to_owned()), &error))
    }
}

/// The bytes of an open shard, decompressed.
pub struct OpenShard {
    bytes: Box<dyn BufRead + Send>,
    source: Source,
    /// Whether the source's end tells whether it was all right.
    has_status: bool,
    consumed: u64,
}

impl OpenShard {
    /// Why the source stopped giving bytes, if it did: then the shard itself may be whole.
    pub(crate) fn failure(&self) -> Option<&str> {
        self.source.failure()
    }

    /// How many bytes of the decompressed tar lie before the next one.
    pub(super) fn consumed(&self) -> u64 {
        self.consumed
    }

    /// Reads what a command writes behind the end of its archive, for its exit status comes last;
    /// [`failure`](Self::failure) tells.
    pub(super) fn finish(&self) {
        if self.has_status {
            let _ = io::copy(&mut self.source.clone().take(MAX_REST), &mut io::sink());
        }
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
