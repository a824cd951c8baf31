//! Image bytes to pixels, within limits that are checked before memory is taken.

mod jpeg;
#[cfg(test)]
mod tests;
#[cfg(feature = "turbojpeg")]
mod turbo;
mod webp;

use std::io::Cursor;

use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader, Limits, RgbImage};
use thiserror::Error;

use crate::{Cause, Fault, RawSample};
#[cfg(feature = "loader")]
pub(crate) use jpeg::{JpegDecoder, JpegFile};
#[cfg(all(feature = "loader", feature = "turbojpeg"))]
pub(crate) use turbo::{Plane, Planes};

/// Default limit of an image's pixels, Pillow's own.
pub const DEFAULT_MAX_PIXELS: u64 = 89_478_485;

/// What image files are called, without the dot. The format is told by content.
const IMAGE_EXTENSIONS: [&str; 8] = ["png", "jpg", "jpeg", "webp", "gif", "bmp", "tif", "tiff"];

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
    #[error("not a readable PNG, JPEG, WebP, GIF, BMP or TIFF image: {0}")]
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

/// Decodes a PNG, JPEG, WebP, GIF, BMP or TIFF file, told by content; the first frame of an
/// animation, the first page of a document.
///
/// Colour profiles are ignored, and so is a JPEG's EXIF orientation, as Pillow and open_clip do.
/// With the feature `turbojpeg`, JPEGs are equal to Pillow's to the byte.
///
/// # Errors
///
/// When the header says more than `max_pixels`, or the bytes don't decode. A JPEG without its end
/// is not filled up, but an error.
pub fn decode_image(bytes: &[u8], max_pixels: u64) -> Result<DynamicImage, ImageProblem> {
    let undecodable = |error: image::ImageError| ImageProblem::Undecodable(error.to_string());
    if jpeg::JpegFile::is_one(bytes) {
        return decode_jpeg(bytes, max_pixels);
    }
    let reader = ImageReader::new(Cursor::new(bytes))
        .with_guessed_format()
        .map_err(|error| undecodable(error.into()))?;
    if reader.format() == Some(ImageFormat::WebP) && !webp::first_frame_has_its_size(bytes) {
        let reason = "its first frame is of another size than it says";
        return Err(ImageProblem::Undecodable(reason.to_owned()));
    }
    let mut decoder = reader.into_decoder().map_err(undecodable)?;
    check_pixels(decoder.dimensions(), max_pixels)?;
    let mut limits = Limits::no_limits();
    limits.max_alloc = Some(max_pixels.saturating_mul(MAX_PIXEL_BYTES).max(MIN_DECODER_BYTES));
    decoder.set_limits(limits).map_err(undecodable)?;
    DynamicImage::from_decoder(decoder).map_err(undecodable)
}

fn decode_jpeg(bytes: &[u8], max_pixels: u64) -> Result<DynamicImage, ImageProblem> {
    let file = jpeg::JpegFile::open(bytes, max_pixels)?;
    let mut decoder = jpeg::JpegDecoder::default();
    let image = decoder.decode(file)?;
    let (width, height) = image.dimensions();
    RgbImage::from_raw(width, height, image.into_raw().to_vec())
        .map(DynamicImage::from)
        .ok_or_else(|| ImageProblem::Undecodable("pixels are missing".to_owned()))
}

/// An error if the image has more pixels than the limit, or none.
fn check_pixels((width, height): (u32, u32), limit: u64) -> Result<(), ImageProblem> {
    match u64::from(width) * u64::from(height) {
        0 => Err(ImageProblem::Undecodable("it has no pixels".to_owned())),
        pixels if pixels > limit => Err(ImageProblem::TooManyPixels { width, height, limit }),
        _ => Ok(()),
    }
}

/// Decodes a sample's image: its first member named `png`, `jpg`, `jpeg`, `webp`, `gif`, `bmp`, `tif`
/// or `tiff`.
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
