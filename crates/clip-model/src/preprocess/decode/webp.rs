//! WebP, lossy and lossless.

use std::fmt::Display;
use std::io::Cursor;

use image::codecs::webp::WebPDecoder;

use super::{PixelLimit, decode_dynamic};
use crate::preprocess::{SourceError, SourceImage};

/// Bytes before the first chunk, and before a chunk's content.
const FILE_HEADER: usize = 12;
const CHUNK_HEADER: usize = 8;

/// Bytes before the chunks inside of an animation's frame.
const FRAME_HEADER: usize = 16;

fn broken(reason: impl Display) -> SourceError {
    SourceError::undecodable("WebP", reason)
}

/// Decodes the image, or the first frame of an animation.
pub(super) fn decode(bytes: &[u8], limit: PixelLimit) -> Result<SourceImage, SourceError> {
    let decoder = WebPDecoder::new(Cursor::new(bytes)).map_err(broken)?;
    // The decoder takes the size of a lossy frame with alpha on trust, and panics if it is wrong.
    if decoder.has_animation() && !first_frame_has_its_size(bytes) {
        return Err(broken("its first frame is of another size"));
    }
    decode_dynamic("WebP", decoder, limit).map(SourceImage::from)
}

/// Whether the first frame's alpha is followed by colours of the size that the frame announces.
/// True for a frame without alpha of its own.
fn first_frame_has_its_size(bytes: &[u8]) -> bool {
    let chunks = bytes.get(FILE_HEADER..).unwrap_or_default();
    let Some((frame, _)) = Chunks(chunks).find(|(_, name)| name == b"ANMF") else { return true };
    let mut inner = Chunks(frame.get(FRAME_HEADER..).unwrap_or_default());
    if !matches!(inner.next(), Some((_, name)) if &name == b"ALPH") {
        return true;
    }
    let Some((lossy, _)) = inner.next() else { return false };
    frame_size(frame).is_some_and(|size| lossy_size(lossy) == Some(size))
}

/// A frame's width and height less one, of three bytes each.
fn frame_size(frame: &[u8]) -> Option<(u32, u32)> {
    let side = |at: usize| match frame.get(at..at + 3)? {
        &[low, middle, high] => Some(u32::from_le_bytes([low, middle, high, 0]) + 1),
        _ => None,
    };
    Some((side(6)?, side(9)?))
}

/// The width and height of a lossy image, of 14 bits each, after its tag and start code.
fn lossy_size(content: &[u8]) -> Option<(u32, u32)> {
    let side = |at: usize| {
        let bits = u16::from_le_bytes(*content.get(at..)?.first_chunk()?);
        Some(u32::from(bits & 0x3fff))
    };
    Some((side(6)?, side(8)?))
}

/// The contents and names of consecutive chunks; a content that is cut short ends with the bytes.
struct Chunks<'a>(&'a [u8]);

impl<'a> Iterator for Chunks<'a> {
    type Item = (&'a [u8], [u8; 4]);

    fn next(&mut self) -> Option<Self::Item> {
        let (name, rest) = self.0.split_first_chunk()?;
        let (size, _) = rest.split_first_chunk()?;
        let size = u32::from_le_bytes(*size) as usize;
        let content = self.0.get(CHUNK_HEADER..)?;
        self.0 = content.get(size.saturating_add(size % 2)..).unwrap_or_default();
        Some((content.get(..size).unwrap_or(content), *name))
    }
}
