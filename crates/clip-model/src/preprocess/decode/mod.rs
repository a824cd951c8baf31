//! Image files to [`SourceImage`]s in Pillow's modes, with limits that are checked before memory
//! is taken.

mod bits;
mod bmp;
mod gif;
mod jpeg;
mod png;
mod tiff;
mod webp;

use image::{DynamicImage, ImageDecoder, ImageFormat, Limits};

use super::{SourceError, SourceImage};

/// The widest pixel the decoders write: four channels of 16 bits.
const MAX_PIXEL_BYTES: u64 = 8;

/// Decoders need some memory whatever the image's size.
const MIN_DECODER_BYTES: u64 = 64 << 20;

/// The most pixels an image may have.
#[derive(Clone, Copy)]
struct PixelLimit(u64);

impl PixelLimit {
    /// An error if there are too many pixels.
    fn check(self, width: u32, height: u32) -> Result<(), SourceError> {
        let Self(limit) = self;
        if u64::from(width) * u64::from(height) > limit {
            return Err(SourceError::TooManyPixels { width, height, limit });
        }
        Ok(())
    }

    /// The most bytes that a decoder may take.
    fn bytes(self) -> u64 {
        self.0.saturating_mul(MAX_PIXEL_BYTES).max(MIN_DECODER_BYTES)
    }
}

/// Decodes a file, told by its first bytes.
pub(super) fn decode(bytes: &[u8], max_pixels: u64) -> Result<SourceImage, SourceError> {
    let limit = PixelLimit(max_pixels);
    match image::guess_format(bytes) {
        Ok(ImageFormat::Png) => png::decode(bytes, limit),
        Ok(ImageFormat::Jpeg) => jpeg::decode(bytes, limit),
        Ok(ImageFormat::WebP) => webp::decode(bytes, limit),
        Ok(ImageFormat::Gif) => gif::decode(bytes, limit),
        Ok(ImageFormat::Bmp) => bmp::decode(bytes, limit),
        Ok(ImageFormat::Tiff) => tiff::decode(bytes, limit),
        _ => Err(SourceError::UnknownFormat),
    }
}

/// Decodes with one of the `image` crate's decoders.
fn decode_dynamic(
    format: &'static str,
    mut decoder: impl ImageDecoder,
    limit: PixelLimit,
) -> Result<DynamicImage, SourceError> {
    let (width, height) = decoder.dimensions();
    limit.check(width, height)?;
    let mut limits = Limits::no_limits();
    limits.max_alloc = Some(limit.bytes());
    let decoded = decoder.set_limits(limits).and_then(|()| DynamicImage::from_decoder(decoder));
    let image = decoded.map_err(|error| SourceError::undecodable(format, error))?;
    match (image.width(), image.height()) {
        (0, _) | (_, 0) => Err(SourceError::undecodable(format, "it has no pixels")),
        _ => Ok(image),
    }
}
