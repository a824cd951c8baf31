//! The bytes of a shard as they come, and why they stopped coming.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

/// ShardBytes that may be passed over.
pub(super) trait ShardBytes: Read + Send {
    /// Passes over the next bytes, without reading them where that is possible.
    fn pass_over(&mut self, bytes: u64) -> io::Result<()> {
        io::copy(&mut self.take(bytes), &mut io::sink()).map(drop)
    }
}

impl ShardBytes for File {
    fn pass_over(&mut self, bytes: u64) -> io::Result<()> {
        self.seek(SeekFrom::Current(bytes as i64)).map(drop)
    }
}

/// Reads from a file, an address or a command, and notes what that fails with, before decompression
/// and tar wrap it in errors of their own.
#[derive(Clone)]
pub(super) struct Source {
    bytes: Arc<Mutex<Box<dyn ShardBytes>>>,
    failure: Arc<OnceLock<String>>,
}

impl Source {
    pub fn new(bytes: Box<dyn ShardBytes>) -> Self {
        Self { bytes: Arc::new(Mutex::new(bytes)), failure: Arc::default() }
    }

    /// Why the source stopped giving bytes, if it did.
    pub fn failure(&self) -> Option<&str> {
        self.failure.get().map(String::as_str)
    }
}

impl Source {
    fn watch<T>(&self, work: impl FnOnce(&mut dyn ShardBytes) -> io::Result<T>) -> io::Result<T> {
        let mut bytes = self.bytes.lock().unwrap_or_else(PoisonError::into_inner);
        work(bytes.as_mut()).inspect_err(|error| {
            if error.kind() != io::ErrorKind::Interrupted {
                let _ = self.failure.set(error.to_string());
            }
        })
    }
}

impl Read for Source {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.watch(|bytes| bytes.read(buffer))
    }
}

impl ShardBytes for Source {
    fn pass_over(&mut self, count: u64) -> io::Result<()> {
        self.watch(|bytes| bytes.pass_over(count))
    }
}
