//! The bytes of one tensor, mapped from its file.

#![allow(unsafe_code, reason = "a map is only as constant as its file, which no type can promise")]

use std::fs::File;
use std::io::{Error, ErrorKind, Result};
use std::ops::Deref;

use memmap2::{Mmap, MmapOptions};

/// The values of a tensor: mapped where the file has them in their order.
pub(super) enum Values {
    Mapped(Mmap),
    Gathered(Vec<u8>),
}

impl Values {
    /// Maps `len` bytes of a file from `start` on. Only these count as the process's memory, and
    /// only until they are dropped, whereas a map of the whole file would grow to the file's size.
    ///
    /// # Errors
    ///
    /// When the file ends before, or cannot be mapped.
    pub(super) fn map(file: &File, start: u64, len: usize) -> Result<Self> {
        let (end, size) = (start.checked_add(len as u64), file.metadata()?.len());
        if end.is_none_or(|end| end > size) {
            return Err(Error::new(ErrorKind::UnexpectedEof, "the file ends within a tensor"));
        }
        if len == 0 {
            return Ok(Self::Gathered(Vec::new()));
        }
        let mut options = MmapOptions::new();
        options.offset(start).len(len);
        // SAFETY: the map is private to this module's users, who copy from it at once. Whoever
        // changes the file meanwhile may change the values that are copied, as with any reading;
        // whoever shortens it, or a disk that fails, ends the process by a signal: `StateDict`
        // tells its users so.
        let map = unsafe { options.map_copy_read_only(file)? };
        Ok(Self::Mapped(map))
    }

    /// Its own copy of the bytes.
    pub(super) fn into_vec(self) -> Vec<u8> {
        match self {
            Self::Mapped(map) => map.to_vec(),
            Self::Gathered(bytes) => bytes,
        }
    }
}

impl Deref for Values {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Self::Mapped(map) => map,
            Self::Gathered(bytes) => bytes,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn a_map_begins_and_ends_anywhere_within_the_file() {
        let bytes: Vec<u8> = (0..20_000u32).map(|index| (index % 251) as u8).collect();
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&bytes).unwrap();
        for (start, len) in [(0, 0), (0, 1), (4095, 2), (4096, 4096), (19_999, 1), (20_000, 0)] {
            let values = Values::map(&file, start as u64, len).unwrap();
            assert_eq!(values[..], bytes[start..start + len]);
            assert_eq!(values.into_vec(), bytes[start..start + len]);
        }
        for (start, len) in [(0, 20_001), (20_000, 1), (u64::MAX, 1), (1, usize::MAX)] {
            let error = Values::map(&file, start, len).err().unwrap();
            assert_eq!(error.kind(), ErrorKind::UnexpectedEof);
        }
    }
}
