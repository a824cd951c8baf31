//! Files stored without their stretches of zeros, as `tar --sparse` writes them.

use std::io::{BufRead, Read};

use tar::{GnuExtSparseHeader, GnuSparseHeader, Header};

use super::entry::{BLOCK, EntryError, padding, read_block, skip, truncated};
use super::extended::number;

/// The most stretches of bytes that a file may have: any more aren't worth it.
const MAX_STRETCHES: u64 = 1 << 16;

/// Offset and length of each stretch of stored bytes, in the file's order.
#[derive(Debug, PartialEq)]
pub(super) struct Map(Vec<(u64, u64)>);

impl FromIterator<(u64, u64)> for Map {
    fn from_iter<T: IntoIterator<Item = (u64, u64)>>(stretches: T) -> Self {
        Self(stretches.into_iter().collect())
    }
}

impl Map {
    /// The map of GNU's own format, in the header and in blocks after it; and the file's size.
    pub(super) fn of_header(
        header: &Header,
        source: &mut impl BufRead,
    ) -> Result<(Self, u64), EntryError> {
        let no_map = EntryError::Damaged("the map of a sparse file is damaged");
        let Some(gnu) = header.as_gnu() else { return Err(no_map) };
        let Ok(size) = gnu.real_size() else { return Err(no_map) };
        let mut map = Vec::new();
        add(&mut map, &gnu.sparse)?;
        let mut more = gnu.is_extended();
        while more {
            let block = read_block(source)?.ok_or_else(truncated)?;
            let mut extension = GnuExtSparseHeader::new();
            extension.as_mut_bytes().copy_from_slice(block.as_bytes());
            add(&mut map, &extension.sparse)?;
            more = extension.is_extended();
        }
        Ok((Self(map), size))
    }

    /// The map of POSIX's format, version 1.0, in blocks before the member's bytes; and how many
    /// bytes that takes, of the `stored` ones and their padding.
    pub(super) fn before_member(
        source: &mut impl BufRead,
        stored: u64,
    ) -> Result<(Self, u64), EntryError> {
        let mut text = source.by_ref().take(stored);
        let map = Self::of_lines(&mut text);
        let read = stored - text.limit();
        // Whatever the map is worth, the source is then at a block.
        skip(source, padding(read))?;
        Ok((map?, read + padding(read)))
    }

    fn of_lines(text: &mut impl BufRead) -> Result<Self, EntryError> {
        let count = line(text)?;
        if count > MAX_STRETCHES {
            return Err(EntryError::Damaged("the map of a sparse file is absurdly long"));
        }
        let stretches = (0..count).map(|_| Ok((line(text)?, line(text)?)));
        stretches.collect::<Result<_, _>>().map(Self)
    }

    /// The whole file of `size` bytes, with these of it stored.
    pub(super) fn spread(&self, mut stored: &[u8], size: u64) -> Result<Vec<u8>, EntryError> {
        let damaged = || EntryError::Damaged("the map of a sparse file is wrong");
        let mut file = Vec::new();
        for &(offset, length) in &self.0 {
            let end = offset.checked_add(length).ok_or_else(damaged)?;
            if end > size || offset < file.len() as u64 || length > stored.len() as u64 {
                return Err(damaged());
            }
            let (stretch, rest) = stored.split_at(length as usize);
            file.resize(offset as usize, 0);
            file.extend_from_slice(stretch);
            stored = rest;
        }
        file.resize(size as usize, 0);
        Ok(file)
    }
}

fn add(map: &mut Vec<(u64, u64)>, stretches: &[GnuSparseHeader]) -> Result<(), EntryError> {
    for stretch in stretches.iter().filter(|stretch| !stretch.is_empty()) {
        match (stretch.offset(), stretch.length()) {
            (Ok(offset), Ok(length)) => map.push((offset, length)),
            _ => return Err(EntryError::Damaged("the map of a sparse file is damaged")),
        }
    }
    match map.len() as u64 > MAX_STRETCHES {
        true => Err(EntryError::Damaged("the map of a sparse file is absurdly long")),
        false => Ok(()),
    }
}

/// A number on a line of its own.
fn line(text: &mut impl BufRead) -> Result<u64, EntryError> {
    let mut digits = Vec::new();
    text.take(BLOCK).read_until(b'\n', &mut digits)?;
    match digits.last() {
        Some(b'\n') => number(&digits),
        _ => Err(EntryError::Damaged("the map of a sparse file is cut off")),
    }
}
