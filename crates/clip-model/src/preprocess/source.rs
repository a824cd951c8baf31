use std::path::Path;

use image::{DynamicImage, GrayImage, RgbImage, RgbaImage};

use super::pixels::Pixels;
use super::{SourceError, decode, rgb_image};

/// Default limit of an image's pixels, Pillow's own.
pub const DEFAULT_MAX_PIXELS: u64 = 89_478_485;

/// A decoded image in the mode that Pillow opens its file in.
///
/// open_clip resizes and crops in that mode and converts to RGB afterwards. So palette indices are
/// resized to their nearest neighbours, alpha weighs the colours, and inks are averaged as inks.
///
/// | Pillow's mode | files |
/// |---|---|
/// | `1` | PNG, BMP and TIFF of one bit, black and white |
/// | `L`, `LA`, `RGB`, `RGBA` | all formats that have them; 16-bit colours keep their high byte |
/// | `I;16` | PNG and TIFF of 16-bit grey; clipped at 255 when converted, as Pillow does |
/// | `P` | PNG, GIF, BMP and TIFF with a palette |
/// | `CMYK` | JPEG (stored inverted, as Adobe does) and TIFF |
///
/// As in Pillow and open_clip, a JPEG's EXIF orientation is ignored and a TIFF's is applied; of an
/// animation the first frame counts; colour profiles are ignored.
///
/// JPEG is decoded in pure Rust, and differs from Pillow's libjpeg-turbo: on photographs with
/// subsampled chroma (4:2:0, qualities 75 and 90) in a tenth of the bytes by at most 7 levels, and
/// in a fifth by at most 4 after OpenAI's transform at 224 pixels; without subsampling in 1 % by at
/// most 3. Only in the last column and row, and so in images of a few pixels, is it more. With the
/// feature `turbojpeg` it is libjpeg-turbo, and equal to the byte.
#[derive(Clone, Debug, PartialEq)]
pub struct SourceImage {
    width: u32,
    height: u32,
    pixels: Pixels,
}

impl SourceImage {
    /// Decodes a file, whatever its name; `max_pixels` bounds its width times its height.
    ///
    /// # Errors
    ///
    /// When the file can't be read, its header says more than `max_pixels`, or its bytes are no
    /// image that is read here.
    pub fn open(path: impl AsRef<Path>, max_pixels: u64) -> Result<Self, SourceError> {
        let path = path.as_ref();
        let bytes = std::fs::read(path)
            .map_err(|source| SourceError::Io { path: path.to_owned(), source })?;
        Self::decode(&bytes, max_pixels)
            .map_err(|source| SourceError::File { path: path.to_owned(), source: source.into() })
    }

    /// Decodes a file's bytes; `max_pixels` bounds its width times its height.
    ///
    /// # Errors
    ///
    /// When the header says more than `max_pixels`, or the bytes are no image that is read here.
    pub fn decode(bytes: &[u8], max_pixels: u64) -> Result<Self, SourceError> {
        decode::decode(bytes, max_pixels)
    }

    /// `None` unless there are as many samples as the size and the mode ask for, and at least one.
    pub(super) fn new(width: u32, height: u32, pixels: Pixels) -> Option<Self> {
        let samples = (width as usize).checked_mul(height as usize)?.checked_mul(pixels.channels());
        (samples == Some(pixels.len()) && pixels.len() > 0).then_some(Self {
            width,
            height,
            pixels,
        })
    }

    /// Width in pixels.
    pub fn width(&self) -> u32 {
        self.width
    }

    /// Height in pixels.
    pub fn height(&self) -> u32 {
        self.height
    }

    /// Pillow's name of the mode: `1`, `L`, `I;16`, `LA`, `P`, `RGB`, `RGBA` or `CMYK`.
    pub fn mode(&self) -> &'static str {
        match self.pixels {
            Pixels::Bilevel(_) => "1",
            Pixels::Grey(_) => "L",
            Pixels::Grey16(_) => "I;16",
            Pixels::GreyAlpha(_) => "LA",
            Pixels::Indexed(..) => "P",
            Pixels::Rgb(_) => "RGB",
            Pixels::Rgba(_) => "RGBA",
            Pixels::Cmyk(_) => "CMYK",
        }
    }

    /// The image as Pillow's `convert("RGB")` gives it: alpha is dropped, 16-bit grey is clipped at
    /// 255.
    pub fn to_rgb(&self) -> RgbImage {
        rgb_image(self.width, self.height, self.pixels.to_rgb())
    }

    pub(super) fn pixels(&self) -> &Pixels {
        &self.pixels
    }
}

impl From<RgbImage> for SourceImage {
    fn from(image: RgbImage) -> Self {
        let (width, height) = image.dimensions();
        Self { width, height, pixels: Pixels::Rgb(image.into_raw()) }
    }
}

impl From<RgbaImage> for SourceImage {
    fn from(image: RgbaImage) -> Self {
        let (width, height) = image.dimensions();
        Self { width, height, pixels: Pixels::Rgba(image.into_raw()) }
    }
}

impl From<GrayImage> for SourceImage {
    fn from(image: GrayImage) -> Self {
        let (width, height) = image.dimensions();
        Self { width, height, pixels: Pixels::Grey(image.into_raw()) }
    }
}

/// In the mode that Pillow has for such pixels. A palette is lost already: decode with
/// [`SourceImage::decode`] where files must equal open_clip's.
impl From<DynamicImage> for SourceImage {
    fn from(image: DynamicImage) -> Self {
        let (width, height) = (image.width(), image.height());
        let pixels = match image {
            DynamicImage::ImageLuma8(image) => Pixels::Grey(image.into_raw()),
            DynamicImage::ImageLumaA8(image) => Pixels::GreyAlpha(image.into_raw()),
            DynamicImage::ImageRgb8(image) => Pixels::Rgb(image.into_raw()),
            DynamicImage::ImageRgba8(image) => Pixels::Rgba(image.into_raw()),
            DynamicImage::ImageLuma16(image) => Pixels::Grey16(image.into_raw()),
            DynamicImage::ImageRgb16(image) => Pixels::Rgb(high_bytes(image.as_raw())),
            DynamicImage::ImageRgba16(image) => Pixels::Rgba(high_bytes(image.as_raw())),
            // Pillow has no 16-bit LA: it opens such files as RGBA.
            DynamicImage::ImageLumaA16(_) => Pixels::Rgba(high_bytes(image.to_rgba16().as_raw())),
            _ => Pixels::Rgb(image.to_rgb8().into_raw()),
        };
        Self { width, height, pixels }
    }
}

/// What Pillow keeps of 16-bit colours.
pub(super) fn high_bytes(samples: &[u16]) -> Vec<u8> {
    samples.iter().map(|sample| (sample >> 8) as u8).collect()
}
