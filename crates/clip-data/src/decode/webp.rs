//! What must be known of a WebP file before it is decoded.

/// Bytes before the first chunk, and before a chunk's content.
const FILE_HEADER: usize = 12;
const CHUNK_HEADER: usize = 8;

/// Bytes before the chunks inside of an animation's frame.
const FRAME_HEADER: usize = 16;

/// Whether the first frame of an animation is of the size it announces, where it is lossy and has
/// alpha: the decoder takes that on trust, and panics if it isn't so.
pub(super) fn first_frame_has_its_size(bytes: &[u8]) -> bool {
    let mut chunks = Chunks(bytes.get(FILE_HEADER..).unwrap_or_default());
    let Some((frame, _)) = chunks.find(|(_, name)| name == b"ANMF") else { return true };
    let mut inner = Chunks(frame.get(FRAME_HEADER..).unwrap_or_default());
    if !matches!(inner.next(), Some((_, name)) if &name == b"ALPH") {
        return true;
    }
    let Some((lossy, _)) = inner.next() else { return false };
    frame_size(frame).is_some_and(|size| lossy_size(lossy) == Some(size))
}

/// A frame's width and height, of three bytes each, stored less one.
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
