//! BMP of every depth, with its palette.

use std::fmt::Display;
use std::io::Cursor;

use image::codecs::bmp::BmpDecoder;
use image::{DynamicImage, ImageDecoder, RgbImage};

use super::{PixelLimit, decode_dynamic};
use crate::preprocess::pixels::{Pixels, is_grey_ramp, palette};
use crate::preprocess::{SourceError, SourceImage};

/// Bytes before the information header.
const FILE_HEADER: usize = 14;

fn broken(reason: impl Display) -> SourceError {
    SourceError::undecodable("BMP", reason)
}

/// Decodes in the mode that Pillow's `BmpImagePlugin` opens the file in: a palette of black and
/// white or of the greys of its indices is none.
pub(super) fn decode(bytes: &[u8], limit: PixelLimit) -> Result<SourceImage, SourceError> {
    let Some(header) = PaletteHeader::read(bytes) else {
        let decoded = decode_with_image(bytes, limit)?;
        return Ok(match header_value(bytes, 14).map(|depth| depth & 0xffff) {
            Some(16) => floored(decoded.into_rgb8(), green_bits(bytes)).into(),
            _ => decoded.into(),
        });
    };
    // The decoder applies the palette. One of the indices themselves makes it yield the indices.
    let mut indexed = bytes.to_vec();
    for (index, entry) in header.entries_mut(&mut indexed).enumerate() {
        entry[..3].fill(index as u8);
    }
    let decoded = decode_with_image(&indexed, limit)?.into_rgb8();
    let (width, height) = decoded.dimensions();
    let indices = decoded.pixels().map(|pixel| pixel.0[0]).collect();
    let pixels = header.pixels(bytes, indices);
    SourceImage::new(width, height, pixels).ok_or_else(|| broken("it has no pixels"))
}

fn decode_with_image(bytes: &[u8], limit: PixelLimit) -> Result<DynamicImage, SourceError> {
    let decoder = BmpDecoder::new(Cursor::new(bytes)).map_err(broken)?;
    let (width, height) = decoder.dimensions();
    limit.check(width, height)?;
    decode_dynamic("BMP", decoder, limit)
}

/// The 32 bits at an offset of the information header.
fn header_value(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(*bytes.get(FILE_HEADER + at..)?.first_chunk()?))
}

/// How many of a pixel's 16 bits are green.
fn green_bits(bytes: &[u8]) -> u32 {
    const BIT_FIELDS: u32 = 3;
    match (header_value(bytes, 16), header_value(bytes, 44)) {
        (Some(BIT_FIELDS), Some(green)) => green.count_ones().clamp(5, 6),
        _ => 5,
    }
}

/// Samples of 5 bits, of green maybe 6, rounded down to a byte as in Pillow, where the decoder
/// rounds to the nearest.
fn floored(mut image: RgbImage, green_bits: u32) -> RgbImage {
    for pixel in image.pixels_mut() {
        for (sample, bits) in pixel.0.iter_mut().zip([5, green_bits, 5]) {
            let most = (1 << bits) - 1;
            let stored = (u32::from(*sample) * most + 127) / 255;
            *sample = (stored * 255 / most) as u8;
        }
    }
    image
}

/// Where a file of at most 8 bits a pixel keeps its palette.
struct PaletteHeader {
    /// Offset of the first colour: blue, green, red and maybe a byte of padding.
    start: usize,
    entry_bytes: usize,
    entries: usize,
}

impl PaletteHeader {
    /// `None` for files without a palette.
    fn read(bytes: &[u8]) -> Option<Self> {
        let long = |at| Some(header_value(bytes, at)? as usize);
        let size = long(0)?;
        // The oldest header has short fields and no count of the colours.
        let (depth_at, entry_bytes, given) =
            if size == 12 { (10, 3, 0) } else { (14, 4, long(32)?) };
        let depth = long(depth_at)? & 0xffff;
        if !(1..=8).contains(&depth) {
            return None;
        }
        let entries = if given == 0 { 1 << depth } else { given.min(256) };
        Some(Self { start: FILE_HEADER.checked_add(size)?, entry_bytes, entries })
    }

    fn entries_mut<'a>(&self, bytes: &'a mut [u8]) -> impl Iterator<Item = &'a mut [u8]> + use<'a> {
        let palette = bytes.get_mut(self.start..).unwrap_or_default();
        palette.chunks_exact_mut(self.entry_bytes).take(self.entries)
    }

    fn pixels(&self, bytes: &[u8], indices: Vec<u8>) -> Pixels {
        let entries = bytes.get(self.start..).unwrap_or_default().chunks_exact(self.entry_bytes);
        let rgb = |entry: &[u8]| [entry[2], entry[1], entry[0]];
        let colours: Vec<[u8; 3]> = entries.take(self.entries).map(rgb).collect();
        if colours == [[0; 3], [255; 3]] {
            return Pixels::Bilevel(indices.into_iter().map(|index| index * 255).collect());
        }
        match is_grey_ramp(&colours) {
            true => Pixels::Grey(indices),
            false => Pixels::Indexed(indices, palette(&colours)),
        }
    }
}
