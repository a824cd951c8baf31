//! Decompression by what a stream starts with.

use std::io::{self, BufRead, BufReader, Cursor, Read};

use flate2::bufread::MultiGzDecoder;

use super::CHUNK;
use super::zstd::{ZstdDecoder, is_zstd};

/// The bytes of every magic number.
const MAGIC: u64 = 4;

/// The stream, decompressed if it is compressed by gzip or zstd.
pub(super) fn decompressed(
    mut source: impl Read + Send + 'static,
) -> io::Result<Box<dyn BufRead + Send>> {
    let mut head = Vec::new();
    source.by_ref().take(MAGIC).read_to_end(&mut head)?;
    let kind = head.clone();
    let source = BufReader::with_capacity(CHUNK, Cursor::new(head).chain(source));
    Ok(if kind.starts_with(&[0x1f, 0x8b]) {
        Box::new(BufReader::with_capacity(CHUNK, MultiGzDecoder::new(source)))
    } else if is_zstd(&kind) {
        Box::new(BufReader::with_capacity(CHUNK, ZstdDecoder::new(source)))
    } else {
        Box::new(source)
    })
}
