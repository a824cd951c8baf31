//! Images to the pixels a checkpoint expects: Pillow's bicubic resize and open_clip's evaluation
//! transform, byte for byte, on the host.
//!
//! Another resizer moves CLIP's embeddings measurably, so this one is Pillow's: see
//! [`resize_bicubic`].

mod resample;

use std::ops::Range;

use image::{DynamicImage, RgbImage, RgbaImage};
use serde::{Deserialize, Serialize};

use resample::resample;

/// Channel means of OpenAI's checkpoints (red, green, blue), for values in `[0, 1]`.
pub const OPENAI_MEAN: [f32; 3] = [0.481_454_66, 0.457_827_5, 0.408_210_73];

/// Channel standard deviations of OpenAI's checkpoints (red, green, blue), for values in `[0, 1]`.
#[expect(clippy::excessive_precision, reason = "the digits OpenAI published")]
pub const OPENAI_STD: [f32; 3] = [0.268_629_54, 0.261_302_58, 0.275_777_11];

/// How an image that isn't square becomes one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ResizeMode {
    /// Resize the shortest side to the size, keep the aspect, crop the centre (OpenAI).
    #[default]
    Shortest,
    /// Resize both sides to the size, whatever the aspect (SigLIP).
    Squash,
}

/// The evaluation transform of a checkpoint. Serialises with it.
///
/// [`apply`](Self::apply) yields bytes; whoever uploads them computes
/// `(byte / 255 - mean) / std` on the device.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ImageTransform {
    /// Side of the square result, in pixels.
    pub image_size: usize,
    /// Channel means to subtract (red, green, blue), for values in `[0, 1]`.
    #[serde(default = "openai_mean")]
    pub mean: [f32; 3],
    /// Channel standard deviations to divide by (red, green, blue), for values in `[0, 1]`.
    #[serde(default = "openai_std")]
    pub std: [f32; 3],
    /// How an image that isn't square becomes one.
    #[serde(default)]
    pub resize_mode: ResizeMode,
}

fn openai_mean() -> [f32; 3] {
    OPENAI_MEAN
}

fn openai_std() -> [f32; 3] {
    OPENAI_STD
}

impl ImageTransform {
    /// OpenAI's transform at `image_size` pixels.
    pub fn openai(image_size: usize) -> Self {
        Self { image_size, mean: OPENAI_MEAN, std: OPENAI_STD, resize_mode: ResizeMode::Shortest }
    }

    /// The image's pixels as the model expects them: `[image_size, image_size, 3]` bytes.
    ///
    /// Equal to open_clip's transform of the same file before normalisation: alpha weighs the
    /// resize and is then dropped, 16-bit samples keep their high byte. The exception is palette
    /// files, which Pillow resizes as palette indices and we as the colours they stand for.
    /// Memory stays in proportion to the image and the result, whatever the aspect ratio.
    pub fn apply(&self, image: &DynamicImage) -> RgbImage {
        let size = self.image_size as u32;
        let (width, height) = (image.width(), image.height());
        let target = match self.resize_mode {
            ResizeMode::Shortest => shortest_side_size(width, height, size),
            ResizeMode::Squash => (size, size),
        };
        let columns = centre(target.0, size);
        let rows = centre(target.1, size);
        // Pillow returns an image of the right size untouched: no trip through premultiplied alpha.
        let pixels = if image.color().has_alpha() && target != (width, height) {
            let source = premultiplied(eight_bit_rgba(image));
            let resized = resample::<4>(source.as_raw(), (width, height), target, (columns, rows));
            straight_rgb(&resized)
        } else {
            let source = eight_bit_rgb(image);
            resample::<3>(source.as_raw(), (width, height), target, (columns, rows))
        };
        rgb_image(size, size, pixels)
    }
}

/// Resizes as Pillow's `Image.resize((width, height), BICUBIC)`, byte for byte.
///
/// Two passes with a kernel that widens with the reduction factor (antialias), 22-bit fixed-point
/// weights, and bytes between the passes. The horizontal pass goes first unless the height shrinks
/// by more than twice as many pixels as the width: that is Pillow 13's rule; earlier versions
/// always began with the horizontal pass, which moves tall images by a few levels.
///
/// An image without pixels becomes a black one.
pub fn resize_bicubic(image: &RgbImage, width: u32, height: u32) -> RgbImage {
    let whole = (0..width, 0..height);
    let pixels = resample::<3>(image.as_raw(), image.dimensions(), (width, height), whole);
    rgb_image(width, height, pixels)
}

/// Converts to RGB as Pillow's `convert("RGB")`: alpha is dropped, 16-bit samples keep their high
/// byte.
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

fn eight_bit_rgba(image: &DynamicImage) -> RgbaImage {
    match image {
        DynamicImage::ImageRgba16(wide) => {
            let pixels = wide.iter().map(|sample| (sample >> 8) as u8).collect();
            RgbaImage::from_raw(wide.width(), wide.height(), pixels).unwrap_or_default()
        }
        _ => image.to_rgba8(),
    }
}

fn rgb_image(width: u32, height: u32, pixels: Vec<u8>) -> RgbImage {
    RgbImage::from_raw(width, height, pixels).unwrap_or_else(|| RgbImage::new(width, height))
}

/// Torchvision's `Resize(size)`: the short side becomes `size`, the long side is rounded down.
fn shortest_side_size(width: u32, height: u32, size: u32) -> (u32, u32) {
    let (short, long) = (width.min(height).max(1), width.max(height));
    let long = (f64::from(size) * f64::from(long) / f64::from(short)) as u32;
    if width <= height { (size, long) } else { (long, size) }
}

/// Torchvision's `CenterCrop`: an odd margin is halved to the even neighbour, as Python rounds.
fn centre(length: u32, size: u32) -> Range<u32> {
    let margin = length.saturating_sub(size);
    let start = margin / 2 + u32::from(margin % 4 == 3);
    start..start + size
}

/// Weighs colours by alpha, so that the colour behind transparent pixels doesn't bleed in.
fn premultiplied(mut image: RgbaImage) -> RgbaImage {
    for pixel in image.pixels_mut() {
        let [colours @ .., alpha] = &mut pixel.0;
        for colour in colours {
            let product = u32::from(*colour) * u32::from(*alpha) + 128;
            *colour = (((product >> 8) + product) >> 8) as u8;
        }
    }
    image
}

/// Undoes [`premultiplied`] and drops alpha.
fn straight_rgb(pixels: &[u8]) -> Vec<u8> {
    let (pixels, _) = pixels.as_chunks::<4>();
    let straight = |colour: u8, alpha: u8| match alpha {
        0 | 255 => colour,
        _ => (255 * u32::from(colour) / u32::from(alpha)).min(255) as u8,
    };
    pixels.iter().flat_map(|&[r, g, b, a]| [r, g, b].map(|colour| straight(colour, a))).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::path::PathBuf;

    use image::imageops::{self, FilterType};

    use super::*;

    /// A file that `tests/preprocess/make_goldens.py` wrote.
    fn golden(name: &str) -> DynamicImage {
        let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/preprocess");
        image::open(folder.join(name)).unwrap()
    }

    #[test]
    fn resizing_equals_pillow_byte_for_byte() {
        let source = golden("rgb.png").to_rgb8();
        for (width, height) in [(20, 31), (37, 20), (50, 53), (48, 60), (5, 3)] {
            let expected = golden(&format!("rgb.resize_{width}x{height}.png")).to_rgb8();
            assert!(resize_bicubic(&source, width, height) == expected, "{width}x{height}");
        }
    }

    #[test]
    fn the_comparison_notices_other_resizers() {
        let source = golden("rgb.png").to_rgb8();
        let expected = golden("rgb.resize_20x31.png").to_rgb8();
        let other_order = resize_bicubic(&resize_bicubic(&source, 37, 31), 20, 31);
        assert_ne!(other_order, expected);
        assert_ne!(imageops::resize(&source, 20, 31, FilterType::CatmullRom), expected);
    }

    #[test]
    fn the_evaluation_transform_equals_open_clips_byte_for_byte() {
        let cases = [
            ("rgb", ResizeMode::Shortest, "shortest", 16),
            ("rgb", ResizeMode::Shortest, "shortest", 53),
            ("rgb", ResizeMode::Squash, "squash", 24),
            ("tall", ResizeMode::Shortest, "shortest", 10),
            ("rgba", ResizeMode::Shortest, "shortest", 17),
            ("rgba", ResizeMode::Shortest, "shortest", 29),
            ("rgba", ResizeMode::Shortest, "shortest", 40),
            ("grey", ResizeMode::Shortest, "shortest", 12),
            ("grey_alpha", ResizeMode::Shortest, "shortest", 12),
            ("deep", ResizeMode::Shortest, "shortest", 9),
        ];
        for (name, resize_mode, mode, size) in cases {
            let transform = ImageTransform { resize_mode, ..ImageTransform::openai(size) };
            let expected = golden(&format!("{name}.{mode}_{size}.png")).to_rgb8();
            let ours = transform.apply(&golden(&format!("{name}.png")));
            assert!(ours == expected, "{name} {mode} {size}");
        }
    }

    #[test]
    fn margins_are_halved_as_python_rounds() {
        let starts = [10, 11, 12, 13, 14].map(|length| centre(length, 10).start);
        assert_eq!(starts, [0, 0, 1, 2, 2]);
    }

    #[test]
    fn an_extreme_aspect_ratio_costs_no_more_than_its_crop() {
        let sliver = DynamicImage::new_rgb8(1, 3_000_000);
        assert_eq!(ImageTransform::openai(224).apply(&sliver).dimensions(), (224, 224));
    }

    #[test]
    fn an_image_without_pixels_becomes_black() {
        let empty = DynamicImage::new_rgb8(0, 5);
        assert_eq!(ImageTransform::openai(4).apply(&empty), RgbImage::new(4, 4));
        assert_eq!(resize_bicubic(&RgbImage::new(3, 3), 0, 2).dimensions(), (0, 2));
    }
}
