//! PNG of every colour type and depth.

use std::fmt::Display;
use std::io::Cursor;

use ::png::{BitDepth, ColorType, Decoder, Limits, Transformations};

use super::PixelLimit;
use super::bits::{stretched, unpacked, words};
use crate::preprocess::pixels::{Pixels, palette};
use crate::preprocess::source::high_bytes;
use crate::preprocess::{SourceError, SourceImage};

fn broken(reason: impl Display) -> SourceError {
    SourceError::undecodable("PNG", reason)
}

/// Decodes the still image, in the mode that Pillow's `PngImagePlugin` opens it in. Transparency
/// of a palette or a colour is dropped, as the conversion to RGB drops it.
pub(super) fn decode(bytes: &[u8], limit: PixelLimit) -> Result<SourceImage, SourceError> {
    let allocation = Limits { bytes: usize::try_from(limit.bytes()).unwrap_or(usize::MAX) };
    let mut decoder = Decoder::new_with_limits(Cursor::new(bytes), allocation);
    decoder.set_transformations(Transformations::IDENTITY);
    decoder.set_ignore_text_chunk(true);
    decoder.set_ignore_iccp_chunk(true);
    let header = decoder.read_header_info().map_err(broken)?;
    let (width, height) = header.size();
    limit.check(width, height)?;
    let mut reader = decoder.read_info().map_err(broken)?;
    let size = reader.output_buffer_size().ok_or_else(|| broken("it is too large"))?;
    let mut rows = vec![0; size];
    let frame = reader.next_frame(&mut rows).map_err(broken)?;
    // The first frame of an animation could be smaller than the image, were it valid.
    if (frame.width, frame.height) != (width, height) {
        return Err(broken("its first frame is of another size"));
    }
    let depth = frame.bit_depth as u8;
    let samples = match frame.color_type {
        ColorType::Grayscale | ColorType::Indexed => {
            unpacked(&rows, frame.line_size, width as usize, depth)
        }
        _ => rows,
    };
    let pixels = match (frame.color_type, frame.bit_depth) {
        (ColorType::Grayscale, BitDepth::One) => Pixels::Bilevel(stretched(samples, depth)),
        (ColorType::Grayscale, BitDepth::Sixteen) => Pixels::Grey16(wide(&samples)),
        (ColorType::Grayscale, _) => Pixels::Grey(stretched(samples, depth)),
        (ColorType::Indexed, _) => {
            let colours = reader.info().palette.as_deref().unwrap_or_default();
            Pixels::Indexed(samples, palette(colours.as_chunks().0))
        }
        (ColorType::GrayscaleAlpha, BitDepth::Sixteen) => {
            Pixels::Rgba(coloured(&high_bytes(&wide(&samples))))
        }
        (ColorType::GrayscaleAlpha, _) => Pixels::GreyAlpha(samples),
        (ColorType::Rgb, BitDepth::Sixteen) => Pixels::Rgb(high_bytes(&wide(&samples))),
        (ColorType::Rgb, _) => Pixels::Rgb(samples),
        (ColorType::Rgba, BitDepth::Sixteen) => Pixels::Rgba(high_bytes(&wide(&samples))),
        (ColorType::Rgba, _) => Pixels::Rgba(samples),
    };
    SourceImage::new(width, height, pixels).ok_or_else(|| broken("pixels are missing"))
}

/// PNG's 16-bit samples.
fn wide(bytes: &[u8]) -> Vec<u16> {
    words(bytes, u16::from_be_bytes)
}

/// RGBA of grey with alpha: Pillow has no 16-bit LA.
fn coloured(samples: &[u8]) -> Vec<u8> {
    samples.as_chunks().0.iter().flat_map(|&[grey, alpha]| [grey, grey, grey, alpha]).collect()
}
