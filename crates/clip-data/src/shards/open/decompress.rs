//! Decompression by what a stream starts with.

use std::io::{self, BufRead, BufReader, Cursor, Read};

use flate2::bufread::MultiGzDecoder;

use super::CHUNK;
use super::source::ShardBytes;
use super::zstd::{ZstdDecoder, is_zstd};

/// The bytes of every magic number.
const MAGIC: u64 = 4;

/// The stream, decompressed if it is compressed by gzip or zstd, from this byte of it on.
pub(super) fn decompressed(
    mut source: impl ShardBytes + 'static,
    offset: u64,
) -> io::Result<Box<dyn BufRead + Send>> {
    let mut head = Vec::new();
    source.by_ref().take(MAGIC).read_to_end(&mut head)?;
    let (is_gzip, is_zstd) = (head.starts_with(&[0x1f, 0x8b]), is_zstd(&head));
    let mut rest = offset;
    if !is_gzip && !is_zstd && offset >= MAGIC {
        source.pass_over(offset - MAGIC)?;
        (head, rest) = (Vec::new(), 0);
    }
    let source = BufReader::with_capacity(CHUNK, Cursor::new(head).chain(source));
    let mut bytes: Box<dyn BufRead + Send> = if is_gzip {
        Box::new(BufReader::with_capacity(CHUNK, MultiGzDecoder::new(source)))
    } else if is_zstd {
        Box::new(BufReader::with_capacity(CHUNK, ZstdDecoder::new(source)))
    } else {
        Box::new(source)
    };
    io::copy(&mut bytes.by_ref().take(rest), &mut io::sink())?;
    Ok(bytes)
}
