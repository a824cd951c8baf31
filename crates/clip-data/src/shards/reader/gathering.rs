//! A sample that grows by its members.

use crate::shards::entry::BLOCK;
use crate::{Cause, Fault, RawSample};

/// The most bytes that the headers of a sample may take: 1 MiB.
const MAX_HEADER_BYTES: u64 = 1 << 20;

/// A sample whose members are being read.
pub(super) struct Gathering {
    /// The key as it is in the tar, where it needn't be UTF-8.
    pub key: Vec<u8>,
    pub offset: u64,
    /// Bytes of the tar that it takes.
    pub bytes: u64,
    pub sample: RawSample,
    pub fault: Option<Fault>,
}

impl Gathering {
    pub fn add(&mut self, extension: String, size: u64, bytes: Option<Vec<u8>>, limit: u64) {
        // A name takes memory too, and there may be millions of them.
        self.bytes = self.bytes.saturating_add(size).saturating_add(BLOCK);
        match bytes {
            Some(bytes) if self.bytes <= limit.saturating_add(MAX_HEADER_BYTES) => {
                self.sample.members.push((extension, bytes));
            }
            _ if self.fault.is_some() => {}
            _ => {
                let reason = format!(
                    "with the {size} bytes of `{extension}` it is larger than the limit of {limit}"
                );
                self.fault = Some(self.sample.fault(Cause::MemberTooLarge, reason));
                self.sample.members.clear();
            }
        }
    }
}

/// A file of a tar; `bytes` is `None` when it is above the limit.
pub(super) struct Member {
    pub name: Vec<u8>,
    pub size: u64,
    pub bytes: Option<Vec<u8>>,
}
