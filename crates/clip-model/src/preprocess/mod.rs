//! Image files to the pixels a checkpoint expects: open_clip's evaluation transform on the host,
//! byte for byte what Pillow 13 and torchvision compute.
//!
//! - [`SourceImage`] decodes a PNG, JPEG, WebP, GIF, BMP or TIFF file and keeps Pillow's mode of
//!   it, because open_clip resizes and crops *before* it converts to RGB.
//! - [`ImageTransform`] resizes, crops or pads, converts and normalises. It reads and writes
//!   open_clip's `preprocess_cfg` and transformers' `preprocessor_config.json`.
//!
//! Another resizer moves CLIP's embeddings measurably, so this one is Pillow's: see
//! [`resize_bicubic`].

mod alpha;
mod decode;
mod error;
mod geometry;
mod hugging_face;
mod pixels;
mod preprocess_cfg;
mod resample;
mod source;
#[cfg(test)]
mod tests;
mod transform;

use std::ops::Deref;

use image::{DynamicImage, GrayImage, ImageBuffer, Luma, Rgb, RgbImage};

pub use error::{SourceError, TransformError};
pub use source::{DEFAULT_MAX_PIXELS, SourceImage};
pub use transform::{
    IMAGENET_MEAN, IMAGENET_STD, ImageTransform, Interpolation, OPENAI_MEAN, OPENAI_STD, ResizeMode,
};

/// Resizes as Pillow's `Image.resize((width, height), BICUBIC)`, byte for byte.
///
/// Two passes with a kernel that widens with the reduction factor (antialias), 22-bit fixed-point
/// weights, and bytes between the passes. The horizontal pass goes first unless the height shrinks
/// by more than twice as many pixels as the width: that is Pillow 13's rule; earlier versions
/// always began with the horizontal pass, which moves tall images by a few levels.
///
/// An image without pixels becomes a black one.
pub fn resize_bicubic(image: &RgbImage, width: u32, height: u32) -> RgbImage {
    let whole = CropBox { x: 0, y: 0, width: image.width(), height: image.height() };
    resize_crop(image, whole, (width, height), Interpolation::Bicubic)
}

/// A rectangle of an image, in pixels from its upper left corner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CropBox {
    /// The leftmost column.
    pub x: u32,
    /// The uppermost row.
    pub y: u32,
    /// Columns.
    pub width: u32,
    /// Rows.
    pub height: u32,
}

/// Crops and resizes as Pillow's `image.crop(box).resize((width, height))`, byte for byte, without
/// a copy of the crop; see [`resize_bicubic`].
///
/// What lies outside of the image is left off the crop. A crop without pixels becomes black.
pub fn resize_crop<D: Deref<Target = [u8]>>(
    image: &ImageBuffer<Rgb<u8>, D>,
    crop: CropBox,
    (width, height): (u32, u32),
    interpolation: Interpolation,
) -> RgbImage {
    let from = (
        crop.width.min(image.width().saturating_sub(crop.x)),
        crop.height.min(image.height().saturating_sub(crop.y)),
    );
    let resize = resample::Resize {
        from: (from.0.into(), from.1.into()),
        to: (width, height),
        columns: 0..width,
        rows: 0..height,
        interpolation,
    };
    let row = image.width() as usize;
    let first = (crop.y as usize).saturating_mul(row).saturating_add(crop.x as usize);
    let empty = from.0 == 0 || from.1 == 0;
    let part = if empty { &[] } else { &image.as_raw()[first * 3..] };
    rgb_image(width, height, resize.convolve_part::<3>(part, row))
}

/// Resizes the part of a plane between four edges (left, top, right, bottom), which may lie within
/// pixels, as Pillow's `image.resize((width, height), box=edges)`, byte for byte. Unlike a crop, it
/// reads pixels beyond the edges where there are any.
///
/// Edges outside of the plane are moved to its own. A part without area becomes black.
pub fn resize_plane<D: Deref<Target = [u8]>>(
    plane: &ImageBuffer<Luma<u8>, D>,
    [left, top, right, bottom]: [f32; 4],
    (width, height): (u32, u32),
    interpolation: Interpolation,
) -> GrayImage {
    let span = |size: u32, start: f32, end: f32| {
        let (start, end) = (start.max(0.0), end.min(size as f32));
        // In single precision, as in Pillow.
        resample::Span { size, start: start.into(), length: (end - start).into() }
    };
    let from = (span(plane.width(), left, right), span(plane.height(), top, bottom));
    let resize = resample::Resize {
        from,
        to: (width, height),
        columns: 0..width,
        rows: 0..height,
        interpolation,
    };
    let empty = !(from.0.length > 0.0 && from.1.length > 0.0);
    let samples = resize.convolve::<1>(if empty { &[] } else { plane.as_raw() });
    GrayImage::from_raw(width, height, samples).unwrap_or_else(|| GrayImage::new(width, height))
}

/// Converts to RGB as Pillow's `convert("RGB")` does with colours: alpha is dropped, 16-bit
/// colours keep their high byte.
///
/// 16-bit grey is scaled to 8 bits, so that it can be seen; [`SourceImage::to_rgb`] clips it at
/// 255, as Pillow does.
pub fn eight_bit_rgb(image: &DynamicImage) -> RgbImage {
    match image {
        DynamicImage::ImageRgb8(image) => image.clone(),
        DynamicImage::ImageRgb16(_) | DynamicImage::ImageRgba16(_) => {
            let wide = image.to_rgb16();
            let pixels = wide.iter().map(|sample| (sample >> 8) as u8).collect();
            rgb_image(wide.width(), wide.height(), pixels)
        }
        _ => image.to_rgb8(),
    }
}

/// An image of the given samples, black if they aren't `width * height * 3`.
fn rgb_image(width: u32, height: u32, samples: Vec<u8>) -> RgbImage {
    RgbImage::from_raw(width, height, samples).unwrap_or_else(|| RgbImage::new(width, height))
}
