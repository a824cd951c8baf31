//! Labelled images that are stored as bare pixels.

use std::path::Path;

use image::{DynamicImage, GrayImage, RgbImage};

use super::LabelledImages;
use crate::DataError;

/// Labelled images of one size, their pixels held in memory (31 MB for CIFAR-10's test split).
pub struct LabelledPixels {
    /// One image after the other, each row after row, each pixel's channels together.
    pixels: Vec<u8>,
    /// Width and height.
    size: [u32; 2],
    channels: Channels,
    labels: Vec<usize>,
    class_names: Vec<String>,
}

/// What a pixel has.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Channels {
    Grey = 1,
    Rgb = 3,
}

impl LabelledPixels {
    /// Images as they are stored here, as many as labels, which are below the number of names.
    ///
    /// # Errors
    ///
    /// When the numbers don't fit together; `path` is the file that is named then.
    pub(super) fn new(
        path: &Path,
        (pixels, size, channels): (Vec<u8>, [u32; 2], Channels),
        labels: Vec<usize>,
        class_names: Vec<String>,
    ) -> Result<Self, DataError> {
        let set = Self { pixels, size, channels, labels, class_names };
        let images = set.pixels.len() / set.bytes().max(1);
        if images != set.labels.len() || set.pixels.len() != images * set.bytes() {
            let reason = format!(
                "it holds {images} images, and there are {} labels: get both files again",
                set.labels.len()
            );
            return Err(DataError::layout(path, reason));
        }
        if set.labels.is_empty() {
            return Err(DataError::layout(path, "it holds no images"));
        }
        let classes = set.class_names.len();
        match set.labels.iter().position(|label| *label >= classes) {
            None => Ok(set),
            Some(index) => {
                let label = set.labels[index];
                let reason = format!("image {index} has label {label} of {classes} classes");
                Err(DataError::layout(path, reason))
            }
        }
    }

    /// Bytes of an image.
    fn bytes(&self) -> usize {
        self.size[0] as usize * self.size[1] as usize * self.channels as usize
    }
}

impl LabelledImages for LabelledPixels {
    fn image(&self, index: usize) -> Result<DynamicImage, DataError> {
        let out_of_range = || DataError::OutOfRange { index, len: self.labels.len() };
        let mut images = self.pixels.chunks_exact(self.bytes());
        let pixels = images.nth(index).ok_or_else(out_of_range)?.to_vec();
        let [width, height] = self.size;
        let image = match self.channels {
            Channels::Grey => GrayImage::from_raw(width, height, pixels).map(DynamicImage::from),
            Channels::Rgb => RgbImage::from_raw(width, height, pixels).map(DynamicImage::from),
        };
        image.ok_or_else(out_of_range)
    }

    fn labels(&self) -> &[usize] {
        &self.labels
    }

    fn class_names(&self) -> &[String] {
        &self.class_names
    }
}

/// RGB images from planes: `at(channel, row, column)` is where an image's value lies in its part of
/// `planes`.
pub(super) fn interleave(
    planes: &[u8],
    [width, height]: [usize; 2],
    at: impl Fn(usize, usize, usize) -> usize,
) -> Vec<u8> {
    let mut pixels = Vec::with_capacity(planes.len());
    for image in planes.chunks_exact(3 * width * height) {
        for row in 0..height {
            for column in 0..width {
                pixels.extend((0..3).map(|channel| image[at(channel, row, column)]));
            }
        }
    }
    pixels
}
