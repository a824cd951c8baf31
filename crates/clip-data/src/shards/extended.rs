//! Headers that say more of the member that follows: long names, GNU's and POSIX's.

use std::io::{BufRead, Read};

use tar::Header;

use super::entry::{EntryError, padding, size_of, skip, truncated, type_of};
use super::sparse::Map;

/// The most bytes that an extended header may have: no name is so long.
const MAX_BYTES: u64 = 1 << 20;

/// What the extended headers say. Where several say the same, the first is right.
#[derive(Debug, Default)]
pub(super) struct Extended {
    pub name: Option<Vec<u8>>,
    /// Bytes in the tar.
    pub size: Option<u64>,
    /// Bytes of a sparse file.
    pub real_size: Option<u64>,
    /// Where the stored bytes of a sparse file belong.
    pub map: Option<Map>,
    /// Whether that is told at the beginning of the member's bytes.
    pub map_in_member: bool,
    /// Whether a header was passed over for its length: then the rest can't be relied on.
    pub is_too_long: bool,
}

impl Extended {
    /// Reads an extended header; false when the header is the member's own.
    pub(super) fn take(
        &mut self,
        header: &Header,
        source: &mut impl BufRead,
    ) -> Result<bool, EntryError> {
        if !matches!(type_of(header), b'L' | b'K' | b'x' | b'X' | b'g') {
            return Ok(false);
        }
        let Some(content) = content(header, source)? else {
            self.is_too_long = true;
            return Ok(true);
        };
        match type_of(header) {
            b'L' => {
                let end = content.iter().position(|byte| *byte == 0).unwrap_or(content.len());
                self.name.get_or_insert_with(|| content[..end].to_vec());
            }
            b'x' | b'X' => self.merge(Self::of_records(&content)?),
            // Long targets of links, and what holds for all members, such as a comment.
            _ => {}
        }
        Ok(true)
    }

    fn merge(&mut self, other: Self) {
        self.name = self.name.take().or(other.name);
        self.size = self.size.or(other.size);
        self.real_size = self.real_size.or(other.real_size);
        self.map = self.map.take().or(other.map);
        self.map_in_member |= other.map_in_member;
    }

    /// What POSIX's records say: `length keyword=value` and a line feed each.
    fn of_records(mut bytes: &[u8]) -> Result<Self, EntryError> {
        let mut found = Self::default();
        let mut version = (false, false);
        let (mut offsets, mut lengths) = (Vec::new(), Vec::new());
        while let Some((keyword, value, rest)) = record(bytes) {
            match keyword {
                b"path" => found.name = Some(without_slashes(value).to_vec()),
                b"GNU.sparse.name" => found.name = Some(value.to_vec()),
                b"size" => found.size = Some(number(value)?),
                b"GNU.sparse.size" | b"GNU.sparse.realsize" => {
                    found.real_size = Some(number(value)?);
                }
                b"GNU.sparse.major" => version.0 = value == b"1",
                b"GNU.sparse.minor" => version.1 = value == b"0",
                b"GNU.sparse.offset" => offsets.push(number(value)?),
                b"GNU.sparse.numbytes" => lengths.push(number(value)?),
                b"GNU.sparse.map" => {
                    let numbers = value.split(|byte| *byte == b',').map(number);
                    let numbers = numbers.collect::<Result<Vec<u64>, _>>()?;
                    offsets = numbers.iter().copied().step_by(2).collect();
                    lengths = numbers.into_iter().skip(1).step_by(2).collect();
                }
                _ => {}
            }
            bytes = rest;
        }
        found.map_in_member = version == (true, true);
        found.map = (!offsets.is_empty()).then(|| offsets.into_iter().zip(lengths).collect());
        Ok(found)
    }
}

/// The bytes of an extended header, unless they are too many; the source is then at a block.
fn content(header: &Header, source: &mut impl BufRead) -> Result<Option<Vec<u8>>, EntryError> {
    let size = size_of(header)?;
    if size > MAX_BYTES {
        skip(source, size)?;
        skip(source, padding(size))?;
        return Ok(None);
    }
    let mut bytes = Vec::new();
    source.by_ref().take(size).read_to_end(&mut bytes)?;
    if bytes.len() as u64 != size {
        return Err(truncated().into());
    }
    skip(source, padding(size))?;
    Ok(Some(bytes))
}

/// The first record's keyword and value, and what comes after it.
fn record(bytes: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let space = bytes.iter().position(|byte| *byte == b' ')?;
    let length = usize::try_from(number(&bytes[..space]).ok()?).ok()?;
    let text = bytes.get(space + 1..length.checked_sub(1)?)?;
    let equals = text.iter().position(|byte| *byte == b'=')?;
    Some((&text[..equals], &text[equals + 1..], bytes.get(length..)?))
}

/// A decimal number.
pub(super) fn number(digits: &[u8]) -> Result<u64, EntryError> {
    let text = str::from_utf8(digits).ok();
    text.and_then(|text| text.trim().parse().ok())
        .ok_or(EntryError::Damaged("a number in an extended header is none"))
}

fn without_slashes(mut name: &[u8]) -> &[u8] {
    while let Some(shorter) = name.strip_suffix(b"/") {
        name = shorter;
    }
    name
}
