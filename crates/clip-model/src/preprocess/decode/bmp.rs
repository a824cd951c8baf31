//! BMP of every depth, with its palette.

use std::fmt::Display;
use std::io::Cursor;

use image::codecs::bmp::BmpDecoder;
use image::{DynamicImage, RgbImage};

use super::{PixelLimit, decode_dynamic};
use crate::preprocess::pixels::{Pixels, is_grey_ramp, palette};
use crate::preprocess::{SourceError, SourceImage};

/// Bytes before the information header.
const FILE_HEADER: usize = 14;

/// Size of the oldest header.
const OS2_HEADER: u32 = 12;

/// The compression that stores masks of the colours' bits.
const BIT_FIELDS: u32 = 3;

fn broken(reason: impl Display) -> SourceError {
    SourceError::undecodable("BMP", reason)
}

/// Decodes in the mode that Pillow's `BmpImagePlugin` opens the file in: a palette of black and
/// white or of the greys of its indices is none.
pub(super) fn decode(bytes: &[u8], limit: PixelLimit) -> Result<SourceImage, SourceError> {
    let header = Header::read(bytes).ok_or_else(|| broken("its header is cut short"))?;
    match header.depth {
        1..=8 => decode_indexed(bytes, &header, limit),
        16 => {
            let decoded = decode_with_image(bytes, limit)?.into_rgb8();
            Ok(floored(decoded, header.green_bits(bytes)).into())
        }
        _ => Ok(decode_with_image(bytes, limit)?.into()),
    }
}

/// The decoder applies the palette. One of the indices themselves makes it yield the indices.
fn decode_indexed(
    bytes: &[u8],
    header: &Header,
    limit: PixelLimit,
) -> Result<SourceImage, SourceError> {
    let mut indexed = bytes.to_vec();
    let entries = indexed.get_mut(header.end..).unwrap_or_default();
    let entries = entries.chunks_exact_mut(header.colour_bytes).take(header.colours);
    for (index, entry) in entries.enumerate() {
        entry[..3].fill(index as u8);
    }
    let decoded = decode_with_image(&indexed, limit)?.into_rgb8();
    let (width, height) = decoded.dimensions();
    let indices = decoded.pixels().map(|pixel| pixel.0[0]);
    let colours = header.palette(bytes);
    let pixels = if colours == [[0; 3], [255; 3]] {
        Pixels::Bilevel(indices.map(|index| if index == 0 { 0 } else { 255 }).collect())
    } else if is_grey_ramp(&colours) {
        Pixels::Grey(indices.collect())
    } else {
        Pixels::Indexed(indices.collect(), palette(&colours))
    };
    SourceImage::new(width, height, pixels).ok_or_else(|| broken("it has no pixels"))
}

fn decode_with_image(bytes: &[u8], limit: PixelLimit) -> Result<DynamicImage, SourceError> {
    decode_dynamic("BMP", BmpDecoder::new(Cursor::new(bytes)).map_err(broken)?, limit)
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

/// What the decoder doesn't say.
struct Header {
    /// Bits a pixel.
    depth: u16,
    /// How pixels are stored.
    compression: u32,
    /// Offset of the end of the header, where a palette or masks begin.
    end: usize,
    /// How many colours the palette has.
    colours: usize,
    /// Bytes of each: blue, green, red and maybe one of padding.
    colour_bytes: usize,
}

impl Header {
    fn read(bytes: &[u8]) -> Option<Self> {
        let long = |at: usize| Some(u32::from_le_bytes(*bytes.get(at..)?.first_chunk()?));
        let short = |at: usize| Some(u16::from_le_bytes(*bytes.get(at..)?.first_chunk()?));
        let size = long(FILE_HEADER)?;
        let end = FILE_HEADER.checked_add(size as usize)?;
        // The oldest header has short fields and no count of the colours.
        let (depth, compression, given, colour_bytes) = match size {
            OS2_HEADER => (short(FILE_HEADER + 10)?, 0, 0, 3),
            _ => {
                let compression = long(FILE_HEADER + 16)?;
                (short(FILE_HEADER + 14)?, compression, long(FILE_HEADER + 32)?, 4)
            }
        };
        let colours = if given == 0 { 1 << depth.min(8) } else { given.min(256) as usize };
        Some(Self { depth, compression, end, colours, colour_bytes })
    }

    fn palette(&self, bytes: &[u8]) -> Vec<[u8; 3]> {
        let entries = bytes.get(self.end..).unwrap_or_default().chunks_exact(self.colour_bytes);
        entries.take(self.colours).map(|entry| [entry[2], entry[1], entry[0]]).collect()
    }

    /// How many of a pixel's 16 bits are green. Masks begin at the same place whatever the header.
    fn green_bits(&self, bytes: &[u8]) -> u32 {
        let mask = bytes.get(FILE_HEADER + 44..).and_then(|bytes| bytes.first_chunk());
        match mask {
            Some(mask) if self.compression == BIT_FIELDS => {
                u32::from_le_bytes(*mask).count_ones().clamp(5, 6)
            }
            _ => 5,
        }
    }
}
