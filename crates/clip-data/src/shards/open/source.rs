//! The bytes of a shard as they come, and why they stopped coming.

use std::io::{self, Read};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

/// Reads from a file, an address or a command, and notes what that fails with, before decompression
/// and tar wrap it in errors of their own.
#[derive(Clone)]
pub(super) struct Source {
    bytes: Arc<Mutex<Box<dyn Read + Send>>>,
    failure: Arc<OnceLock<String>>,
}

impl Source {
    pub fn new(bytes: Box<dyn Read + Send>) -> Self {
        Self { bytes: Arc::new(Mutex::new(bytes)), failure: Arc::default() }
    }

    /// Why the source stopped giving bytes, if it did.
    pub fn failure(&self) -> Option<&str> {
        self.failure.get().map(String::as_str)
    }
}

impl Read for Source {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.bytes.lock().unwrap_or_else(PoisonError::into_inner).read(buffer);
        read.inspect_err(|error| {
            if error.kind() != io::ErrorKind::Interrupted {
                let _ = self.failure.set(error.to_string());
            }
        })
    }
}
