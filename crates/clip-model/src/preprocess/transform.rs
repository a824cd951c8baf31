use image::{Rgb, RgbImage};
use serde::{Deserialize, Serialize};

use super::geometry::{centre, padding_before, resized_size};
use super::preprocess_cfg::PreprocessCfg;
use super::resample::Resize;
use super::{SourceImage, rgb_image};

/// Channel means of OpenAI's checkpoints (red, green, blue), for values in `[0, 1]`.
pub const OPENAI_MEAN: [f32; 3] = [0.481_454_66, 0.457_827_5, 0.408_210_73];

/// Channel standard deviations of OpenAI's checkpoints (red, green, blue), for values in `[0, 1]`.
#[expect(clippy::excessive_precision, reason = "the digits OpenAI published")]
pub const OPENAI_STD: [f32; 3] = [0.268_629_54, 0.261_302_58, 0.275_777_11];

/// Channel means of ImageNet (red, green, blue), for values in `[0, 1]`: CLIPA's.
pub const IMAGENET_MEAN: [f32; 3] = [0.485, 0.456, 0.406];

/// Channel standard deviations of ImageNet (red, green, blue), for values in `[0, 1]`: CLIPA's.
pub const IMAGENET_STD: [f32; 3] = [0.229, 0.224, 0.225];

/// How an image that isn't square becomes one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ResizeMode {
    /// Resize the shortest side to the size, keep the aspect, crop the centre (OpenAI).
    #[default]
    Shortest,
    /// Resize the longest side to the size, keep the aspect, pad with the fill colour.
    Longest,
    /// Resize both sides to the size, whatever the aspect (SigLIP).
    Squash,
}

/// The kernel of the resize, in both cases Pillow's, which widens with the reduction factor.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Interpolation {
    /// Keys' cubic with a = -0.5 (OpenAI and most others). open_clip's "random" is for training
    /// and means bicubic in evaluation.
    #[default]
    #[serde(alias = "random")]
    Bicubic,
    /// A triangle (CLIPA).
    Bilinear,
}

/// The evaluation transform of a checkpoint.
///
/// Serialises as open_clip's `preprocess_cfg`: `size`, `mode`, `mean`, `std`, `interpolation`,
/// `resize_mode` and `fill_color`. Absent and null keys have open_clip's defaults (size 224,
/// OpenAI's mean and deviation, bicubic, shortest, 0); a key or a value that isn't understood is
/// an error that names it.
///
/// [`apply`](Self::apply) yields bytes; whoever uploads them computes `(byte / 255 - mean) / std`
/// on the device, or takes [`normalise`](Self::normalise) on the host.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(into = "PreprocessCfg", try_from = "PreprocessCfg")]
pub struct ImageTransform {
    /// Side of the square result, in pixels.
    pub image_size: usize,
    /// Channel means to subtract (red, green, blue), for values in `[0, 1]`.
    pub mean: [f32; 3],
    /// Channel standard deviations to divide by (red, green, blue), for values in `[0, 1]`.
    pub std: [f32; 3],
    /// The kernel of the resize.
    pub interpolation: Interpolation,
    /// How an image that isn't square becomes one.
    pub resize_mode: ResizeMode,
    /// Every sample of the pixels that `Longest` pads with, in the mode of the file: 255 is white
    /// for RGB, black for CMYK and the last colour of a palette.
    pub fill_color: u8,
}

impl ImageTransform {
    /// OpenAI's transform at `image_size` pixels: its mean and deviation, bicubic, centre crop.
    pub fn openai(image_size: usize) -> Self {
        Self {
            image_size,
            mean: OPENAI_MEAN,
            std: OPENAI_STD,
            interpolation: Interpolation::Bicubic,
            resize_mode: ResizeMode::Shortest,
            fill_color: 0,
        }
    }

    /// SigLIP's transform at `image_size` pixels: values in `[-1, 1]`, bicubic, squashed.
    pub fn siglip(image_size: usize) -> Self {
        let half = [0.5; 3];
        Self { mean: half, std: half, resize_mode: ResizeMode::Squash, ..Self::openai(image_size) }
    }

    /// CLIPA's transform at `image_size` pixels: ImageNet's mean and deviation, bilinear, squashed.
    pub fn clipa(image_size: usize) -> Self {
        Self {
            mean: IMAGENET_MEAN,
            std: IMAGENET_STD,
            interpolation: Interpolation::Bilinear,
            resize_mode: ResizeMode::Squash,
            ..Self::openai(image_size)
        }
    }

    /// The image's pixels as the model expects them: `[image_size, image_size, 3]` bytes.
    ///
    /// Equal to open_clip's transform of the same file before normalisation. Two images where
    /// open_clip has no result: one without pixels becomes black, and one so narrow that
    /// [`ResizeMode::Longest`] would leave no pixel of its short side keeps one.
    ///
    /// Memory stays in proportion to the image and the result, whatever the aspect ratio.
    pub fn apply(&self, image: &SourceImage) -> RgbImage {
        let size = self.image_size as u32;
        let (width, height) = (image.width(), image.height());
        if width == 0 || height == 0 {
            return RgbImage::new(size, size);
        }
        let to = resized_size(self.resize_mode, (width, height), size);
        let (columns, rows) = (centre(to.0, size), centre(to.1, size));
        let window = (columns.len() as u32, rows.len() as u32);
        let interpolation = self.interpolation;
        let from = (width.into(), height.into());
        let resize = Resize { from, to, columns, rows, interpolation };
        let resized = rgb_image(window.0, window.1, image.pixels().resized(&resize).to_rgb());
        padded(resized, size, image.pixels().colour_of(self.fill_color))
    }

    /// Torchvision's `ToTensor` and `Normalize`, to the bit: `(byte / 255 - mean) / std` in single
    /// precision.
    ///
    /// # Shapes
    ///
    /// - image: any width and height
    /// - output: `[3, height, width]`, row-major
    pub fn normalise(&self, image: &RgbImage) -> Vec<f32> {
        let tables: [[f32; 256]; 3] = std::array::from_fn(|channel| {
            let (mean, std) = (self.mean[channel], self.std[channel]);
            std::array::from_fn(|byte| (byte as f32 / 255.0 - mean) / std)
        });
        let plane = |channel: usize| {
            let table = &tables[channel];
            image.pixels().map(move |pixel| table[usize::from(pixel.0[channel])])
        };
        (0..3).flat_map(plane).collect()
    }
}

/// The image in the centre of a square of the colour, an odd margin having its extra pixel at the
/// right and the bottom.
fn padded(image: RgbImage, size: u32, colour: [u8; 3]) -> RgbImage {
    let (width, height) = image.dimensions();
    if (width, height) == (size, size) {
        return image;
    }
    let (left, top) = (padding_before(width, size), padding_before(height, size));
    let mut square = RgbImage::from_pixel(size, size, Rgb(colour));
    for (x, y, pixel) in image.enumerate_pixels() {
        square.put_pixel(left + x, top + y, *pixel);
    }
    square
}
