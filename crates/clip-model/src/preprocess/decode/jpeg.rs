//! JPEG: grey, colours and inks.

use std::fmt::Display;

use zune_core::bytestream::ZCursor;
use zune_core::colorspace::ColorSpace;
use zune_core::options::DecoderOptions;
use zune_jpeg::JpegDecoder;

use super::PixelLimit;
use crate::preprocess::pixels::Pixels;
use crate::preprocess::{SourceError, SourceImage};

/// Most pixels a side that the format can express.
const MAX_SIDE: usize = 65_535;

fn broken(reason: impl Display) -> SourceError {
    SourceError::undecodable("JPEG", reason)
}

/// Decodes in the mode that Pillow's `JpegImagePlugin` opens the file in. Inks count as stored
/// inverted, as Adobe does and Pillow assumes. The EXIF orientation is ignored.
pub(super) fn decode(bytes: &[u8], limit: PixelLimit) -> Result<SourceImage, SourceError> {
    let options = DecoderOptions::default()
        .set_strict_mode(false)
        .set_max_width(MAX_SIDE)
        .set_max_height(MAX_SIDE);
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(bytes), options);
    decoder.decode_headers().map_err(broken)?;
    let (width, height) = decoder.dimensions().ok_or_else(|| broken("it has no size"))?;
    let (width, height) = (width as u32, height as u32);
    limit.check(width, height)?;
    if !has_end(bytes) {
        return Err(broken("it is truncated"));
    }
    let stored = decoder.input_colorspace().unwrap_or(ColorSpace::Unknown);
    let wanted = match stored {
        ColorSpace::Luma | ColorSpace::CMYK | ColorSpace::YCCK => stored,
        ColorSpace::YCbCr | ColorSpace::RGB => ColorSpace::RGB,
        other => return Err(broken(format!("{other:?} is not supported"))),
    };
    #[cfg(feature = "turbojpeg")]
    if let Some(samples) = libjpeg_turbo(bytes, wanted, (width, height)) {
        return source(width, height, wanted, samples);
    }
    decoder.set_options(decoder.options().jpeg_set_out_colorspace(wanted));
    let mut samples = decoder.decode().map_err(broken)?;
    if wanted == ColorSpace::YCCK {
        for pixel in samples.as_chunks_mut().0 {
            *pixel = inks(*pixel);
        }
    }
    source(width, height, wanted, samples)
}

fn source(
    width: u32,
    height: u32,
    space: ColorSpace,
    mut samples: Vec<u8>,
) -> Result<SourceImage, SourceError> {
    let pixels = match space {
        ColorSpace::Luma => Pixels::Grey(samples),
        ColorSpace::RGB => Pixels::Rgb(samples),
        _ => {
            samples.iter_mut().for_each(|sample| *sample = !*sample);
            Pixels::Cmyk(samples)
        }
    };
    SourceImage::new(width, height, pixels).ok_or_else(|| broken("pixels are missing"))
}

/// Whether the marker of the image's end follows the last scan. Without it Pillow says the file is
/// truncated; the decoder would fill up with grey.
fn has_end(bytes: &[u8]) -> bool {
    let last = |marker: [u8; 2]| bytes.windows(2).rposition(|pair| pair == marker);
    match (last([0xff, 0xda]), last([0xff, 0xd9])) {
        (Some(scan), Some(end)) => scan < end,
        _ => false,
    }
}

/// libjpeg's conversion of luma, chroma and black to inks.
fn inks([y, cb, cr, black]: [u8; 4]) -> [u8; 4] {
    const HALF: i32 = 1 << 15;
    let fixed = |factor: f64| (factor * 65536.0 + 0.5) as i32;
    let (y, cb, cr) = (i32::from(y), i32::from(cb) - 128, i32::from(cr) - 128);
    let red = y + ((fixed(1.402) * cr + HALF) >> 16);
    let green = y + ((-fixed(0.344_136_286) * cb - fixed(0.714_136_286) * cr + HALF) >> 16);
    let blue = y + ((fixed(1.772) * cb + HALF) >> 16);
    let [cyan, magenta, yellow] = [red, green, blue].map(|c| (255 - c).clamp(0, 255) as u8);
    [cyan, magenta, yellow, black]
}

/// Decodes with libjpeg-turbo, as Pillow does. `None` where it sees damage: such files are left to
/// the other decoder, because Pillow reads most of them.
#[cfg(feature = "turbojpeg")]
fn libjpeg_turbo(bytes: &[u8], space: ColorSpace, size: (u32, u32)) -> Option<Vec<u8>> {
    use turbojpeg::{Decompressor, Image, PixelFormat};
    let format = match space {
        ColorSpace::Luma => PixelFormat::GRAY,
        ColorSpace::RGB => PixelFormat::RGB,
        _ => PixelFormat::CMYK,
    };
    let (width, height) = (size.0 as usize, size.1 as usize);
    let mut decompressor = Decompressor::new().ok()?;
    let header = decompressor.read_header(bytes).ok()?;
    if (header.width, header.height) != (width, height) {
        return None;
    }
    let pitch = width * format.size();
    let mut samples = vec![0; pitch * height];
    let output = Image { pixels: samples.as_mut_slice(), width, pitch, height, format };
    decompressor.decompress(bytes, output).ok()?;
    Some(samples)
}
