//! Memory for the members of shards.

use std::io::{self, BufRead, Read};

use bytes::{Bytes, BytesMut};

/// Members share blocks of this size, 1 MiB.
const BLOCK_BYTES: usize = 1 << 20;

/// A larger member has its own memory, so that little of a block is left over: 64 KiB.
const MAX_SHARED_BYTES: u64 = 1 << 16;

/// The most that is taken for a member on its header's word alone.
const TRUSTED_BYTES: u64 = 1 << 20;

/// Blocks that members are read into, one after the other. A block is freed with its last member.
///
/// A window of samples is read by one thread and freed by others in random order. As so many pieces
/// of their own, the members leave holes behind in the allocator that the next window's don't fit,
/// until the process holds nearly three times what the loader does.
#[derive(Default)]
pub(super) struct Blocks {
    rest: BytesMut,
}

impl Blocks {
    /// The next `size` bytes of the source; fewer at its end.
    pub fn read(&mut self, source: &mut impl BufRead, size: u64) -> io::Result<Bytes> {
        if size > MAX_SHARED_BYTES {
            let mut bytes = Vec::with_capacity(size.min(TRUSTED_BYTES) as usize);
            source.take(size).read_to_end(&mut bytes)?;
            return Ok(bytes.into());
        }
        let size = size as usize;
        if self.rest.capacity() < size {
            self.rest = BytesMut::with_capacity(BLOCK_BYTES);
        }
        while self.rest.len() < size {
            let there = source.fill_buf()?;
            if there.is_empty() {
                break;
            }
            let step = there.len().min(size - self.rest.len());
            self.rest.extend_from_slice(&there[..step]);
            source.consume(step);
        }
        Ok(self.rest.split().freeze())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_are_their_bytes_whatever_shares_their_block() {
        let source: Vec<u8> = (0..5_000_000u32).map(|i| (i ^ (i >> 8)) as u8).collect();
        let (mut blocks, mut rest) = (Blocks::default(), source.as_slice());
        let mut read = Vec::new();
        for number in 0.. {
            let size = [0, 1, 40_000, MAX_SHARED_BYTES, MAX_SHARED_BYTES + 1, 700_000][number % 6];
            let bytes = blocks.read(&mut rest, size).unwrap();
            let is_last = (bytes.len() as u64) < size;
            read.push(bytes);
            if is_last {
                break;
            }
        }
        assert!(read.len() > 30 && rest.is_empty());
        assert_eq!(read.concat(), source);
    }

    #[test]
    fn small_members_share_a_block_and_large_ones_do_not() {
        let source = vec![7; 4_000_000];
        let (mut blocks, mut rest) = (Blocks::default(), source.as_slice());
        let mut next = |size| blocks.read(&mut rest, size).unwrap();
        let (a, b) = (next(1000), next(1000));
        assert_eq!(a.as_ptr().wrapping_add(1000), b.as_ptr());
        drop((a, b));
        assert!(next(200_000).is_unique());
    }
}
