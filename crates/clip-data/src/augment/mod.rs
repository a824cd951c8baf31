//! Training-time augmentation: a random background behind transparency, a random square crop.

use clip_model::preprocess::{eight_bit_rgb, resize_bicubic};
use image::{DynamicImage, Rgb, RgbImage, RgbaImage};
use rand::Rng;
use serde::{Deserialize, Serialize};

/// The training transform: CLIP's only augmentation is the random square crop (Radford et al.
/// 2021, section 2.4).
///
/// The background is for drawings, which are mostly transparent: on one fixed colour, a black icon
/// would always be black on white.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrainTransform {
    /// Side of the square result, in pixels.
    pub image_size: usize,
    /// Smallest side of the crop, as a share of the image's shortest side, in `(0, 1]`.
    #[serde(default = "default_min_scale")]
    pub min_scale: f32,
    /// Share of transparent images that lie on white, as drawings mostly do where people meet
    /// them, and not on a random colour, in `[0, 1]`.
    #[serde(default)]
    pub white_share: f32,
}

fn default_min_scale() -> f32 {
    0.8
}

impl TrainTransform {
    /// Crops of at least 0.8 of the shortest side, resized to `image_size` pixels.
    pub fn new(image_size: usize) -> Self {
        Self { image_size, min_scale: default_min_scale(), white_share: 0.0 }
    }

    /// Says what is wrong with the settings, if anything.
    pub fn problem(&self) -> Option<String> {
        if self.image_size == 0 {
            return Some("image_size is 0: give the model's image size".to_owned());
        }
        if !(self.min_scale > 0.0 && self.min_scale <= 1.0) {
            return Some(format!("min_scale is {}, not in (0, 1]", self.min_scale));
        }
        let in_range = (0.0..=1.0).contains(&self.white_share);
        (!in_range).then(|| format!("white_share is {}, not in [0, 1]", self.white_share))
    }

    /// One random view of the image, `[image_size, image_size, 3]` bytes.
    ///
    /// The crop's side is uniform in `[min_scale, 1]` of the shortest side, its position uniform;
    /// an image with an alpha channel lies on white or on a colour uniform in RGB.
    pub fn apply(&self, image: &DynamicImage, rng: &mut impl Rng) -> RgbImage {
        let colour = Rgb(rng.random::<[u8; 3]>());
        let white = rng.random::<f32>() < self.white_share;
        let background = if white { Rgb([255; 3]) } else { colour };
        let shortest = image.width().min(image.height());
        let smallest = if self.min_scale > 0.0 { self.min_scale.min(1.0) } else { 1.0 };
        let scale = rng.random_range(smallest..=1.0);
        let side = ((scale * shortest as f32).round() as u32).clamp(1.min(shortest), shortest);
        let x = rng.random_range(0..=image.width() - side);
        let y = rng.random_range(0..=image.height() - side);
        // Cropping first leaves less to convert and to blend.
        let crop = image.crop_imm(x, y, side, side);
        let crop = if crop.color().has_alpha() {
            on_background(&crop.to_rgba8(), background)
        } else {
            eight_bit_rgb(&crop)
        };
        resize_bicubic(&crop, self.image_size as u32, self.image_size as u32)
    }
}

/// Blends the image over a solid colour.
fn on_background(image: &RgbaImage, background: Rgb<u8>) -> RgbImage {
    RgbImage::from_fn(image.width(), image.height(), |x, y| {
        let [colours @ .., alpha] = image.get_pixel(x, y).0;
        let blend = |colour: u8, behind: u8| {
            let sum =
                u32::from(colour) * u32::from(alpha) + u32::from(behind) * (255 - u32::from(alpha));
            ((sum + 127) / 255) as u8
        };
        Rgb(std::array::from_fn(|channel| blend(colours[channel], background[channel])))
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use image::Rgba;

    use super::*;
    use crate::{Stream, sample_rng};

    fn view(image: &DynamicImage, index: u64) -> RgbImage {
        let mut rng = sample_rng(0, 0, index, Stream::Augment);
        TrainTransform::new(16).apply(image, &mut rng)
    }

    #[test]
    fn a_transparent_image_shows_the_sample_s_colour() {
        let clear = DynamicImage::ImageRgba8(RgbaImage::from_pixel(20, 30, Rgba([9, 9, 9, 0])));
        let colours: Vec<_> = (0..8).map(|index| *view(&clear, index).get_pixel(3, 3)).collect();
        assert_eq!(view(&clear, 0), RgbImage::from_pixel(16, 16, colours[0]));
        assert!(colours.windows(2).all(|pair| pair[0] != pair[1]));
        let opaque = DynamicImage::ImageRgba8(RgbaImage::from_pixel(20, 30, Rgba([1, 2, 3, 255])));
        assert_eq!(view(&opaque, 0), RgbImage::from_pixel(16, 16, Rgb([1, 2, 3])));
    }

    #[test]
    fn the_share_on_white_is_as_asked() {
        let clear = DynamicImage::ImageRgba8(RgbaImage::new(8, 8));
        let transform = TrainTransform { white_share: 0.5, ..TrainTransform::new(8) };
        let white = (0..400).filter(|index| {
            let mut rng = sample_rng(0, 0, *index, Stream::Augment);
            *transform.apply(&clear, &mut rng).get_pixel(0, 0) == Rgb([255; 3])
        });
        assert!((160..=240).contains(&white.count()));
    }

    #[test]
    fn crops_are_squares_of_the_allowed_sizes_all_over_the_image() {
        // Red rises by 2 a column and green by 2 a row, so a view tells what it was cut from.
        let ramp = RgbImage::from_fn(40, 100, |x, y| Rgb([2 * x as u8, 2 * y as u8, 0]));
        let ramp = DynamicImage::ImageRgb8(ramp);
        let (mut lowest, mut highest) = (255, 0);
        for index in 0..200 {
            let view = view(&ramp, index);
            let (first, last) = (view.get_pixel(0, 8)[0], view.get_pixel(15, 8)[0]);
            let width = f32::from(last - first) / 2.0 * 16.0 / 15.0;
            assert!((30.0..=41.0).contains(&width), "{width}");
            lowest = lowest.min(view.get_pixel(8, 0)[1]);
            highest = highest.max(view.get_pixel(8, 15)[1]);
        }
        assert!(lowest < 8 && highest > 190, "{lowest} {highest}");
    }

    #[test]
    fn any_size_of_image_gives_a_view() {
        for (width, height) in [(1, 1), (1, 300), (2, 1), (500, 3)] {
            assert_eq!(view(&DynamicImage::new_rgb8(width, height), 0).dimensions(), (16, 16));
        }
    }

    #[test]
    fn impossible_settings_are_explained() {
        assert_eq!(TrainTransform::new(32).problem(), None);
        for min_scale in [0.0, 1.5, f32::NAN] {
            let message =
                TrainTransform { min_scale, ..TrainTransform::new(32) }.problem().unwrap();
            assert!(message.contains("min_scale"), "{message}");
        }
    }
}
