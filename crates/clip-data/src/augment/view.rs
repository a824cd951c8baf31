//! What is drawn for one sample, and how it becomes pixels.

use std::ops::Deref;

use clip_model::preprocess::{CropBox, eight_bit_rgb, resize_crop};
use image::imageops::flip_horizontal_in_place;
use image::{DynamicImage, ImageBuffer, Rgb, RgbImage, RgbaImage};
use rand::Rng;
use rand::seq::SliceRandom;

use super::adjust::{Adjustment, to_grey};
use super::crop::{resized, square, uniform};
use super::{CropKind, TrainTransform};

/// All that is random about a sample's picture.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct View {
    /// What a transparent image lies on.
    pub background: Rgb<u8>,
    /// The part that is shown, in pixels of the undecoded image.
    pub crop: CropBox,
    pub flipped: bool,
    /// Changes of colour, in their order.
    pub adjustments: Vec<Adjustment>,
    pub grey: bool,
}

impl TrainTransform {
    /// Draws a view of an image of the given width and height, which are at least 1.
    pub(super) fn plan(&self, size: (u32, u32), rng: &mut impl Rng) -> View {
        let colour = Rgb(rng.random::<[u8; 3]>());
        let white = rng.random::<f32>() < self.white_share;
        View {
            background: if white { Rgb([255; 3]) } else { colour },
            crop: match self.crop {
                CropKind::Square => square(size, self.min_scale, rng),
                CropKind::Resized => resized(size, self.scale, self.ratio, rng),
            },
            flipped: happens(self.hflip, rng),
            adjustments: match happens(self.color_jitter_prob, rng) {
                true => self.jitter(rng),
                false => Vec::new(),
            },
            grey: happens(self.gray_scale_prob, rng),
        }
    }

    /// Torchvision's `ColorJitter`: each factor is uniform around 1 (the hue's around 0), and their
    /// order random.
    fn jitter(&self, rng: &mut impl Rng) -> Vec<Adjustment> {
        let kinds: [fn(f32) -> Adjustment; 4] =
            [Adjustment::Brightness, Adjustment::Contrast, Adjustment::Saturation, Adjustment::Hue];
        let mut adjustments: Vec<_> = kinds
            .into_iter()
            .zip(self.color_jitter)
            .zip([1.0, 1.0, 1.0, 0.0])
            .filter(|((_, reach), _)| *reach > 0.0)
            .map(|((kind, reach), centre)| {
                // A factor is never below zero; a hue may be.
                let low = if centre == 1.0 { (1.0 - reach).max(0.0) } else { -reach };
                kind(uniform([low, centre + reach], rng))
            })
            .collect();
        adjustments.shuffle(rng);
        adjustments
    }

    /// One random view of the image, `[image_size, image_size, 3]` bytes.
    pub fn apply(&self, image: &DynamicImage, rng: &mut impl Rng) -> RgbImage {
        let size = (image.width(), image.height());
        if size.0 == 0 || size.1 == 0 {
            return RgbImage::new(self.image_size as u32, self.image_size as u32);
        }
        self.render_any(image, &self.plan(size, rng))
    }

    /// The view of a decoded image of any kind.
    pub(super) fn render_any(&self, image: &DynamicImage, view: &View) -> RgbImage {
        if let DynamicImage::ImageRgb8(image) = image {
            return self.render(image, view.crop, view);
        }
        // Cropping first leaves less to convert and to blend.
        let CropBox { x, y, width, height } = view.crop;
        let crop = image.crop_imm(x, y, width, height);
        let crop = match crop.color().has_alpha() {
            true => on_background(&crop.to_rgba8(), view.background),
            false => eight_bit_rgb(&crop),
        };
        self.render(&crop, CropBox { x: 0, y: 0, width, height }, view)
    }

    /// The view of an RGB image, of which `crop` is shown.
    pub(super) fn render<D: Deref<Target = [u8]>>(
        &self,
        image: &ImageBuffer<Rgb<u8>, D>,
        crop: CropBox,
        view: &View,
    ) -> RgbImage {
        let side = self.image_size as u32;
        self.finished(resize_crop(image, crop, (side, side), self.interpolation), view)
    }

    /// What follows the resize.
    pub(super) fn finished(&self, mut picture: RgbImage, view: &View) -> RgbImage {
        if view.flipped {
            flip_horizontal_in_place(&mut picture);
        }
        for adjustment in &view.adjustments {
            adjustment.apply(&mut picture);
        }
        if view.grey {
            to_grey(&mut picture);
        }
        picture
    }
}

/// Whether something of this probability happens. What is impossible takes no random number, so
/// that settings left alone leave the numbers of the others alone.
fn happens(probability: f32, rng: &mut impl Rng) -> bool {
    probability > 0.0 && rng.random::<f32>() < probability
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
