//! Reads what can be read of a tar, past what can't.

use std::io::{self, Read};

use tar::{Archive, EntryType, Header};

/// Tar counts in blocks of so many bytes.
const BLOCK: usize = 512;

/// What is found in a tar, in order.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Piece {
    /// A file, complete.
    Member { name: Vec<u8>, bytes: Vec<u8> },
    /// Something that can't be read, of whatever length; what it was is unknown.
    Gap(String),
    /// A block of zeros: what stands before it is complete.
    End,
}

/// The pieces of a tar. Never more than one member is in memory.
pub(super) struct Salvage<R> {
    source: Counted<R>,
    max_member_bytes: u64,
    /// Whether blocks are being passed over in search of a header.
    lost: bool,
    /// Whether the last block was zeros.
    at_end: bool,
    done: bool,
}

impl<R: Read> Salvage<R> {
    pub(super) fn new(source: R, max_member_bytes: u64) -> Self {
        let source = Counted { source, position: 0 };
        Self { source, max_member_bytes, lost: false, at_end: false, done: false }
    }

    /// The next piece, or `None` where a block held nothing new.
    fn step(&mut self) -> io::Result<Option<Piece>> {
        let mut block = [0; BLOCK];
        let read = fill(&mut self.source, &mut block)?;
        if read < BLOCK {
            self.done = true;
            let cut = read > 0 || !self.at_end;
            return Ok(cut.then(|| Piece::Gap("it ends without an end mark".to_owned())));
        }
        let was_at_end = std::mem::replace(&mut self.at_end, block == [0; BLOCK]);
        if self.at_end {
            // Zeros within damage are no end mark.
            return Ok((!was_at_end && !self.lost).then_some(Piece::End));
        }
        if !is_header(&block) {
            let was_lost = std::mem::replace(&mut self.lost, true);
            return Ok((!was_lost).then(|| Piece::Gap("a header is damaged".to_owned())));
        }
        self.lost = false;
        let piece = self.member(&block);
        self.align()?;
        piece
    }

    fn member(&mut self, block: &[u8]) -> io::Result<Option<Piece>> {
        let mut archive = Archive::new(block.chain(&mut self.source));
        let entry = match archive.entries().map(|mut entries| entries.next()) {
            Ok(Some(Ok(entry))) => entry,
            Ok(Some(Err(error))) | Err(error) => return Ok(Some(Piece::Gap(error.to_string()))),
            Ok(None) => return Ok(None),
        };
        let (size, limit) = (entry.size(), self.max_member_bytes);
        let kind = entry.header().entry_type();
        let is_file =
            matches!(kind, EntryType::Regular | EntryType::Continuous | EntryType::GNUSparse);
        let name = entry.path_bytes().into_owned();
        let shown = String::from_utf8_lossy(&name).into_owned();
        if !is_file || size > limit {
            let skipped = io::copy(&mut entry.take(size), &mut io::sink())?;
            let reason = match (skipped == size, is_file) {
                (false, _) => format!("`{shown}` is cut"),
                (true, true) => format!("`{shown}` holds {size} bytes, the limit is {limit}"),
                (true, false) => return Ok(None),
            };
            return Ok(Some(Piece::Gap(reason)));
        }
        let mut bytes = Vec::new();
        let read = entry.take(size).read_to_end(&mut bytes);
        if read.is_ok_and(|read| read as u64 == size) {
            Ok(Some(Piece::Member { name, bytes }))
        } else {
            Ok(Some(Piece::Gap(format!("`{shown}` is cut"))))
        }
    }

    /// Goes to the next block.
    fn align(&mut self) -> io::Result<()> {
        let left = self.source.position.next_multiple_of(BLOCK as u64) - self.source.position;
        io::copy(&mut (&mut self.source).take(left), &mut io::sink()).map(|_| ())
    }
}

impl<R: Read> Iterator for Salvage<R> {
    type Item = Piece;

    fn next(&mut self) -> Option<Piece> {
        while !self.done {
            match self.step() {
                Ok(None) => {}
                Ok(piece) => return piece,
                Err(error) => {
                    // Of the decompression: nothing behind it can be read.
                    self.done = true;
                    return Some(Piece::Gap(error.to_string()));
                }
            }
        }
        None
    }
}

/// Whether the check sum is that of a header.
fn is_header(block: &[u8; BLOCK]) -> bool {
    let header = Header::from_byte_slice(block);
    let sum = |bytes: &[u8]| bytes.iter().map(|byte| u32::from(*byte)).sum::<u32>();
    // The sum is taken with spaces in its own place.
    let wanted = sum(&block[..148]) + 8 * u32::from(b' ') + sum(&block[156..]);
    header.cksum().is_ok_and(|found| found == wanted)
}

fn fill(source: &mut impl Read, block: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < block.len() {
        match source.read(&mut block[filled..]) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

struct Counted<R> {
    source: R,
    position: u64,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.source.read(buffer)?;
        self.position += read as u64;
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::tar_bytes;

    fn pieces(bytes: &[u8]) -> Vec<String> {
        Salvage::new(bytes, 1_000)
            .map(|piece| match piece {
                Piece::Member { name, .. } => String::from_utf8(name).unwrap(),
                Piece::Gap(_) => "gap".to_owned(),
                Piece::End => "end".to_owned(),
            })
            .collect()
    }

    #[test]
    fn members_behind_damage_are_found() {
        let long = "n".repeat(150);
        let whole = tar_bytes(&[("a", &[1; 600]), ("b", b"b"), (&long, b"long"), ("c", b"")]);
        assert_eq!(pieces(&whole), ["a", "b", &long, "c", "end"]);
        let damaged = |at: usize| {
            let mut bytes = whole.clone();
            bytes[at] ^= 1;
            pieces(&bytes)
        };
        assert_eq!(damaged(0), ["gap", "b", &long, "c", "end"]);
        assert_eq!(damaged(700), ["a", "b", &long, "c", "end"], "data has no sum");
        assert_eq!(damaged(1536), ["a", "gap", &long, "c", "end"]);
        let cut = |bytes: usize| pieces(&whole[..bytes]);
        assert_eq!(cut(1000), ["gap", "gap"]);
        assert_eq!(cut(1536), ["a", "gap"]);
        assert_eq!(cut(1700), ["a", "gap"]);
        assert_eq!(pieces(&[whole.clone(), whole[..1536].to_vec()].concat()).len(), 7);
    }

    #[test]
    fn a_member_above_the_limit_is_a_gap() {
        let whole = tar_bytes(&[("a", &[1; 2000]), ("b", b"b")]);
        assert_eq!(pieces(&whole), ["gap", "b", "end"]);
    }
}
