//! Streams of zstd frames.

use std::io::{self, BufRead, Read};

use ruzstd::decoding::errors::{FrameDecoderError, ReadFrameHeaderError};
use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};

/// The most memory that a frame may ask for, in bytes: as much as the `zstd` command allows.
const MAX_WINDOW: u64 = 128 << 20;

/// Whether a stream that starts like this is zstd: a frame, or one to skip.
pub(super) fn is_zstd(head: &[u8]) -> bool {
    match head {
        [0x28, 0xb5, 0x2f, 0xfd, ..] => true,
        [first, 0x2a, 0x4d, 0x18, ..] => first & 0xf0 == 0x50,
        _ => false,
    }
}

/// Decodes frame after frame, passes over those to skip, and checks the checksums there are.
pub(super) struct ZstdDecoder<R> {
    source: R,
    decoder: FrameDecoder,
    /// Whether a frame has begun that isn't read to its end.
    in_frame: bool,
}

impl<R: BufRead> ZstdDecoder<R> {
    pub fn new(source: R) -> Self {
        let mut decoder = FrameDecoder::new();
        decoder.set_max_window_size(MAX_WINDOW);
        Self { source, decoder, in_frame: false }
    }

    /// Reads the next frame's header; false at the end.
    fn begin_frame(&mut self) -> io::Result<bool> {
        while !self.source.fill_buf()?.is_empty() {
            match self.decoder.reset(&mut self.source) {
                Ok(()) => {
                    self.in_frame = true;
                    return Ok(true);
                }
                Err(FrameDecoderError::ReadFrameHeaderError(ReadFrameHeaderError::SkipFrame {
                    length,
                    ..
                })) => self.skip(length.into())?,
                Err(error) => return Err(invalid(error)),
            }
        }
        Ok(false)
    }

    fn skip(&mut self, length: u64) -> io::Result<()> {
        let skipped = io::copy(&mut self.source.by_ref().take(length), &mut io::sink())?;
        if skipped == length { Ok(()) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
    }

    fn read_frame(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let decoder = &mut self.decoder;
        while decoder.can_collect() == 0 && !decoder.is_finished() {
            let one = BlockDecodingStrategy::UptoBlocks(1);
            decoder.decode_blocks(&mut self.source, one).map_err(invalid)?;
        }
        decoder.read(buffer)
    }

    fn end_frame(&mut self) -> io::Result<()> {
        self.in_frame = false;
        match self.decoder.get_checksum_from_data() {
            Some(sum) if self.decoder.get_calculated_checksum() != Some(sum) => {
                Err(invalid("the checksum of a zstd frame doesn't match"))
            }
            _ => Ok(()),
        }
    }
}

impl<R: BufRead> Read for ZstdDecoder<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while !buffer.is_empty() && (self.in_frame || self.begin_frame()?) {
            match self.read_frame(buffer)? {
                0 => self.end_frame()?,
                count => return Ok(count),
            }
        }
        Ok(0)
    }
}

fn invalid(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error)
}

#[cfg(test)]
mod tests {
    use ruzstd::encoding::{CompressionLevel, compress_to_vec};

    use super::*;

    fn frame(bytes: &[u8]) -> Vec<u8> {
        compress_to_vec(bytes, CompressionLevel::Fastest)
    }

    fn skippable(bytes: &[u8]) -> Vec<u8> {
        let length = u32::try_from(bytes.len()).unwrap();
        [&[0x5a, 0x2a, 0x4d, 0x18], &length.to_le_bytes()[..], bytes].concat()
    }

    fn decode(stream: &[u8]) -> io::Result<Vec<u8>> {
        assert!(is_zstd(stream));
        let mut bytes = Vec::new();
        ZstdDecoder::new(stream).read_to_end(&mut bytes).map(|_| bytes)
    }

    #[test]
    fn frames_follow_one_another_and_some_are_skipped() {
        let long: Vec<u8> = (0..300_000u32).map(|number| (number / 7 % 251) as u8).collect();
        let stream = [
            skippable(b"an index"),
            frame(b"one "),
            frame(b""),
            skippable(b""),
            frame(&long),
            skippable(b"the end"),
        ];
        assert_eq!(decode(&stream.concat()).unwrap(), [b"one ", long.as_slice()].concat());
    }

    #[test]
    fn a_cut_or_changed_stream_is_an_error_and_never_a_panic() {
        let text: Vec<u8> =
            (0..3000u32).flat_map(|number| number.to_string().into_bytes()).collect();
        let whole = [skippable(b"index"), frame(&text)].concat();
        for length in (14..whole.len()).step_by(7) {
            assert!(decode(&whole[..length]).is_err(), "cut at {length}");
        }
        for place in 4..whole.len() {
            let mut changed = whole.clone();
            changed[place] ^= 0x41;
            // A skipped frame and the declared size may change unnoticed; the bytes may not.
            if let Ok(bytes) = decode(&changed) {
                assert!(bytes.is_empty() || bytes == text, "changed at {place}");
            }
        }
    }

    #[test]
    fn a_frame_that_asks_for_much_memory_is_refused() {
        // A window of 2^31 bytes, then an empty last block.
        let bomb = [0x28, 0xb5, 0x2f, 0xfd, 0x00, 21 << 3, 0x01, 0x00, 0x00];
        let message = decode(&bomb).unwrap_err().to_string().to_lowercase();
        assert!(message.contains("window"), "{message}");
    }
}
