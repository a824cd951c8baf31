//! Views of JPEGs whose luma and chroma are resized on their own, and become colours afterwards:
//! fewer samples to decode, to resize and to convert.

use clip_model::preprocess::{CropBox, resize_plane};
use image::{GrayImage, RgbImage};

use super::TrainTransform;
use super::view::View;
use crate::decode::{Plane, Planes};

/// By how much each side may be divided for the crop to be at least `size` pixels wide and high:
/// a half, a quarter or an eighth. Other fractions are slower to decode to than the whole.
pub(super) fn reduction(crop: CropBox, size: u32) -> u32 {
    let shortest = crop.width.min(crop.height);
    [8, 4, 2].into_iter().find(|divisor| shortest / divisor >= size).unwrap_or(1)
}

impl TrainTransform {
    /// The view of an image that is still luma and chroma.
    pub(super) fn render_planes(&self, planes: &Planes, view: &View) -> RgbImage {
        let luma = self.resized(&planes.luma, view.crop);
        let picture = match &planes.chroma {
            None => RgbImage::from_fn(luma.width(), luma.height(), |x, y| {
                image::Rgb([luma.get_pixel(x, y)[0]; 3])
            }),
            Some([blue, red]) => {
                colours(&luma, &self.resized(blue, view.crop), &self.resized(red, view.crop))
            }
        };
        self.finished(picture, view)
    }

    fn resized(&self, plane: &Plane, crop: CropBox) -> GrayImage {
        let side = self.image_size as u32;
        let [across, down] = plane.pixels;
        let edges = [
            (crop.x, across),
            (crop.y, down),
            (crop.x + crop.width, across),
            (crop.y + crop.height, down),
        ];
        let edges = edges.map(|(edge, pixels)| edge as f32 / pixels as f32);
        resize_plane(&plane.samples, edges, (side, side), self.interpolation)
    }
}

/// The colours of luma and chroma, as JFIF defines them.
fn colours(luma: &GrayImage, blue: &GrayImage, red: &GrayImage) -> RgbImage {
    let mut picture = RgbImage::new(luma.width(), luma.height());
    let pixels = picture.as_chunks_mut().0.iter_mut();
    for (((pixel, &luma), &blue), &red) in pixels.zip(luma.iter()).zip(blue.iter()).zip(red.iter())
    {
        *pixel = colour(luma, blue, red);
    }
    picture
}

fn colour(luma: u8, blue: u8, red: u8) -> [u8; 3] {
    const BITS: u32 = 14;
    const HALF: i32 = 1 << (BITS - 1);
    const fn fixed(factor: f64) -> i32 {
        (factor * (1 << BITS) as f64 + 0.5) as i32
    }
    let (luma, blue, red) = (i32::from(luma), i32::from(blue) - 128, i32::from(red) - 128);
    let changes = [
        fixed(1.402) * red,
        -fixed(0.344_136) * blue - fixed(0.714_136) * red,
        fixed(1.772) * blue,
    ];
    changes.map(|change| (luma + ((change + HALF) >> BITS)).clamp(0, 255) as u8)
}
