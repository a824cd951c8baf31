//! Image bytes to pixels, within limits that are checked before memory is taken.

use std::io::Cursor;

use image::{DynamicImage, ImageDecoder, ImageReader, Limits};
use thiserror::Error;

use crate::{Cause, Fault, RawSample};

/// Default limit of an image's pixels, Pillow's own.
pub const DEFAULT_MAX_PIXELS: u64 = 89_478_485;

const IMAGE_EXTENSIONS: [&str; 4] = ["png", "jpg", "jpeg", "webp"];

/// The widest pixel the decoders write: four channels of 16 bits.
const MAX_PIXEL_BYTES: u64 = 8;

/// Decoders need some memory whatever the image's size.
const MIN_DECODER_BYTES: u64 = 64 << 20;

/// Why bytes are no usable image.
#[derive(Debug, Error)]
pub enum ImageProblem {
    /// The header says more pixels than the limit; nothing was allocated.
    #[error("{width} x {height} pixels are more than the limit of {limit}: shrink it or raise it")]
    TooManyPixels {
        /// Width in pixels.
        width: u32,
        /// Height in pixels.
        height: u32,
        /// The most pixels allowed.
        limit: u64,
    },
    /// Truncated, corrupt or of another format.
    #[error("not a readable PNG, JPEG or WebP image: {0}")]
    Undecodable(String),
}

impl ImageProblem {
    /// The kind of fault this is.
    pub fn cause(&self) -> Cause {
        match self {
            Self::TooManyPixels { .. } => Cause::TooManyPixels,
            Self::Undecodable(_) => Cause::Undecodable,
        }
    }
}

/// Decodes a PNG, JPEG or WebP file, told by content.
///
/// # Errors
///
/// When the header says more than `max_pixels`, or the bytes don't decode.
pub fn decode_image(bytes: &[u8], max_pixels: u64) -> Result<DynamicImage, ImageProblem> {
    let undecodable = |error: image::ImageError| ImageProblem::Undecodable(error.to_string());
    let reader = ImageReader::new(Cursor::new(bytes))
        .with_guessed_format()
        .map_err(|error| undecodable(error.into()))?;
    let mut decoder = reader.into_decoder().map_err(undecodable)?;
    let (width, height) = decoder.dimensions();
    if u64::from(width) * u64::from(height) > max_pixels {
        return Err(ImageProblem::TooManyPixels { width, height, limit: max_pixels });
    }
    let mut limits = Limits::no_limits();
    limits.max_alloc = Some(max_pixels.saturating_mul(MAX_PIXEL_BYTES).max(MIN_DECODER_BYTES));
    decoder.set_limits(limits).map_err(undecodable)?;
    DynamicImage::from_decoder(decoder).map_err(undecodable)
}

/// Decodes a sample's image: its first member named `png`, `jpg`, `jpeg` or `webp`.
///
/// # Errors
///
/// A fault that names the shard and the sample.
pub fn decode_sample(sample: &RawSample, max_pixels: u64) -> Result<DynamicImage, Fault> {
    let bytes = image_member(sample)?;
    decode_image(bytes, max_pixels)
        .map_err(|problem| sample.fault(problem.cause(), problem.to_string()))
}

/// The encoded bytes of a sample's image.
pub(crate) fn image_member(sample: &RawSample) -> Result<&[u8], Fault> {
    let image = sample.members.iter().find(|(name, _)| is_image_extension(name));
    image.map(|(_, bytes)| bytes.as_slice()).ok_or_else(|| {
        let reason = format!("it has no image: give it one of {}", IMAGE_EXTENSIONS.join(", "));
        sample.fault(Cause::NoImage, reason)
    })
}

/// Whether files with this extension (without the dot, any case) are images to us.
pub(crate) fn is_image_extension(extension: &str) -> bool {
    IMAGE_EXTENSIONS.iter().any(|known| extension.eq_ignore_ascii_case(known))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::time::{Duration, Instant};

    use image::ImageFormat;

    use super::*;
    use crate::testing::{huge_png, picture, png};

    #[test]
    fn the_three_formats_decode() {
        let picture = picture(3);
        for format in [ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::WebP] {
            let mut bytes = Cursor::new(Vec::new());
            picture.write_to(&mut bytes, format).unwrap();
            let decoded = decode_image(bytes.get_ref(), 1_000).unwrap();
            assert_eq!((decoded.width(), decoded.height()), (picture.width(), picture.height()));
        }
    }

    #[test]
    fn a_header_of_ten_thousand_million_pixels_fails_at_once() {
        let start = Instant::now();
        let problem = decode_image(&huge_png(), DEFAULT_MAX_PIXELS).unwrap_err();
        assert!(start.elapsed() < Duration::from_secs(1));
        assert_eq!(problem.cause(), Cause::TooManyPixels);
        assert!(problem.to_string().starts_with("100000 x 100000 pixels are more than the limit"));
    }

    #[test]
    fn corrupt_bytes_are_a_fault_that_names_the_sample() {
        let mut bytes = png(&picture(0));
        bytes.truncate(60);
        let sample = RawSample {
            key: "k".into(),
            shard: "a.tar".into(),
            members: vec![("png".into(), bytes)],
        };
        let fault = decode_sample(&sample, 1_000).unwrap_err();
        assert_eq!(fault.cause, Cause::Undecodable);
        assert!(fault.to_string().starts_with("a.tar: sample `k`: not a readable PNG"));
        let without = RawSample { members: vec![], ..sample };
        assert_eq!(decode_sample(&without, 1_000).unwrap_err().cause, Cause::NoImage);
    }
}
