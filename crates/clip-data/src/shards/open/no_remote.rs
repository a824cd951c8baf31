//! What addresses come to without the feature that reads them.

use std::io;

use super::source::ShardBytes;

use super::CacheOptions;
use super::options::Patience;

const REASON: &str = "this program was built without the feature `remote` of clip-data, which \
                      reads addresses: build it with that feature, or use a file or `pipe:`";

/// No way to any server.
#[derive(Debug)]
pub(super) struct Remote;

impl Remote {
    pub fn new(_: Option<CacheOptions>, _: Patience) -> Self {
        Self
    }

    pub fn open(&self, _: &str) -> io::Result<Box<dyn ShardBytes>> {
        Err(io::Error::new(io::ErrorKind::Unsupported, REASON))
    }

    pub fn cache_problem(&self) -> Option<String> {
        None
    }
}
