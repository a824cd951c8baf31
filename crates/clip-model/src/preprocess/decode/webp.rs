//! WebP, lossy and lossless.

use std::io::Cursor;

use image::codecs::webp::WebPDecoder;

use super::{PixelLimit, decode_dynamic};
use crate::preprocess::{SourceError, SourceImage};

/// Decodes the image, or the first frame of an animation.
pub(super) fn decode(bytes: &[u8], limit: PixelLimit) -> Result<SourceImage, SourceError> {
    let decoder = WebPDecoder::new(Cursor::new(bytes))
        .map_err(|error| SourceError::undecodable("WebP", error))?;
    decode_dynamic("WebP", decoder, limit).map(SourceImage::from)
}
