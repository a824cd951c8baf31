//! The headers of a tar: what each member is called, how long it is and where its bytes are.
//!
//! The `tar` crate reads the blocks; how they belong together is ours, as Python's `tarfile` does
//! it. The crate's own archives cut names at line feeds, take bytes for links that have none, don't
//! know sparse files of the POSIX format, and hold an extended header of any size in memory.

use std::io::{self, BufRead, Read};

use tar::Header;

use super::OpenShard;
use super::extended::Extended;
use super::sparse::Map;

/// Tar pads headers and members to a multiple of this.
pub(super) const BLOCK: u64 = 512;

/// The most that is taken for a member on its header's word alone.
const TRUSTED_BYTES: u64 = 1 << 20;

/// Why there is no next member.
#[derive(Debug)]
pub(super) enum EntryError {
    /// The bytes are no header; those after it may be.
    Damaged(&'static str),
    /// The bytes have nothing of a header.
    Foreign,
    /// There are no bytes.
    Io(io::Error),
}

impl From<io::Error> for EntryError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// A member of a tar, whose bytes come next in the source.
#[derive(Debug, PartialEq)]
pub(super) struct Entry {
    /// Where its headers begin in the tar.
    pub offset: u64,
    pub name: Vec<u8>,
    /// Whether it is a file, and no folder, link or device.
    pub is_file: bool,
    /// Bytes of the file.
    pub size: u64,
    /// Bytes of it in the tar, without the padding.
    stored: u64,
    /// Where in the file the stored bytes belong, when not all of it is stored.
    map: Option<Map>,
}

impl Entry {
    /// The next member; `None` at the end mark.
    pub(super) fn next(source: &mut OpenShard) -> Result<Option<Self>, EntryError> {
        let offset = source.consumed();
        let header = read_block(source)?.ok_or_else(truncated)?;
        if is_end_mark(&header) {
            return Ok(None);
        }
        if !is_sound(&header) {
            return Err(match has_magic(&header) {
                true => EntryError::Damaged("the checksum of a header is wrong"),
                false => EntryError::Foreign,
            });
        }
        Self::after(header, offset, source).map(Some)
    }

    /// The next member after damage, with everything before it passed over; `None` when there is
    /// none up to the end of the source.
    pub(super) fn resume(source: &mut OpenShard) -> Result<Option<Self>, EntryError> {
        loop {
            let offset = source.consumed();
            let header = match read_block(source) {
                // That the end is missing, too, is no other fault.
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
                header => header?,
            };
            let Some(header) = header else { return Ok(None) };
            // Without the mark of the format, a block of a file might do by chance.
            if has_magic(&header) && is_sound(&header) {
                return Self::after(header, offset, source).map(Some);
            }
        }
    }

    /// The member that begins with this header.
    fn after(
        mut header: Header,
        offset: u64,
        source: &mut impl BufRead,
    ) -> Result<Self, EntryError> {
        let mut extended = Extended::default();
        while extended.take(&header, source)? {
            header = read_block(source)?.ok_or_else(truncated)?;
            if !is_sound(&header) {
                return Err(EntryError::Damaged("an extended header has no member"));
            }
        }
        let name = header.path_bytes().into_owned();
        let (is_file, has_bytes) = match type_of(&header) {
            0 if name.ends_with(b"/") => (false, false),
            0 | b'0' | b'7' | b'S' => (true, true),
            // Links, devices and folders have no bytes, whatever their size says.
            b'1'..=b'6' => (false, false),
            _ => (false, true),
        };
        let mut stored = match extended.size {
            Some(size) => size,
            None => size_of(&header)?,
        };
        if !has_bytes {
            stored = 0;
        }
        let mut size = stored;
        let mut map = extended.map;
        if type_of(&header) == b'S' {
            let (old_map, real_size) = Map::of_header(&header, source)?;
            (map, size) = (Some(old_map), real_size);
        } else if extended.map_in_member {
            let (new_map, read) = Map::before_member(source, stored)?;
            (map, stored) = (Some(new_map), stored.saturating_sub(read));
        }
        if map.is_some() {
            size = extended.real_size.unwrap_or(size);
        }
        let name = extended.name.unwrap_or(name);
        let entry = Self { offset, name, is_file, size, stored, map };
        if extended.is_too_long {
            entry.skip(source)?;
            return Err(EntryError::Damaged("a name or attributes are absurdly long"));
        }
        Ok(entry)
    }

    /// The member's bytes.
    pub(super) fn read(&self, source: &mut impl BufRead) -> Result<Vec<u8>, EntryError> {
        let mut bytes = Vec::with_capacity(self.stored.min(TRUSTED_BYTES) as usize);
        source.by_ref().take(self.stored).read_to_end(&mut bytes)?;
        if bytes.len() as u64 != self.stored {
            return Err(truncated().into());
        }
        skip(source, padding(self.stored))?;
        match &self.map {
            Some(map) => map.spread(&bytes, self.size),
            None => Ok(bytes),
        }
    }

    /// Passes over the member's bytes.
    pub(super) fn skip(&self, source: &mut impl BufRead) -> io::Result<()> {
        skip(source, self.stored)?;
        skip(source, padding(self.stored))
    }

    /// Whether reading it takes no more than so much memory.
    pub(super) fn is_within(&self, limit: u64) -> bool {
        self.size.max(self.stored) <= limit
    }
}

/// Bytes between a member of this size and the next header.
pub(super) fn padding(size: u64) -> u64 {
    (BLOCK - size % BLOCK) % BLOCK
}

/// The next block; `None` when the source is at its end.
pub(super) fn read_block(source: &mut impl BufRead) -> io::Result<Option<Header>> {
    if source.fill_buf()?.is_empty() {
        return Ok(None);
    }
    let mut header = Header::new_old();
    match source.read_exact(header.as_mut_bytes()) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Err(truncated()),
        read => read.map(|()| Some(header)),
    }
}

/// Passes over bytes.
pub(super) fn skip(source: &mut impl BufRead, mut bytes: u64) -> io::Result<()> {
    while bytes > 0 {
        let there = source.fill_buf()?.len();
        if there == 0 {
            return Err(truncated());
        }
        let step = bytes.min(there as u64);
        source.consume(step as usize);
        bytes -= step;
    }
    Ok(())
}

/// The letter or digit that says what follows a header.
pub(super) fn type_of(header: &Header) -> u8 {
    header.entry_type().as_byte()
}

/// The size that a header states.
pub(super) fn size_of(header: &Header) -> Result<u64, EntryError> {
    header.entry_size().map_err(|_| EntryError::Damaged("the size in a header is no number"))
}

pub(super) fn truncated() -> io::Error {
    io::Error::new(io::ErrorKind::UnexpectedEof, "the file is truncated")
}

/// Whether it is marked as one of POSIX's or GNU's headers; those of 1979 had no mark.
fn has_magic(header: &Header) -> bool {
    header.as_bytes()[257..].starts_with(b"ustar")
}

fn is_end_mark(header: &Header) -> bool {
    header.as_bytes().iter().all(|byte| *byte == 0)
}

/// Whether the checksum is right; some old programs took bytes above 127 for negative numbers.
fn is_sound(header: &Header) -> bool {
    let Ok(stated) = header.cksum() else { return false };
    let (mut sum, mut signed_sum) = (8 * i64::from(b' '), 8 * i64::from(b' '));
    let bytes = header.as_bytes();
    for byte in bytes[..148].iter().chain(&bytes[156..]) {
        sum += i64::from(*byte);
        signed_sum += i64::from(*byte as i8);
    }
    [sum, signed_sum].contains(&i64::from(stated))
}
