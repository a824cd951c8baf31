//! Images with captions of which one must be told from another that differs in little.

mod sugar_crepe;
#[cfg(test)]
mod tests;
mod winoground;

use std::path::Path;

use image::DynamicImage;

use crate::stored::StoredImage;
use crate::{DEFAULT_MAX_PIXELS, DataError};

/// Images, and captions to be chosen from. Images are decoded when asked for.
pub struct SelectionImages {
    images: Vec<StoredImage>,
    examples: Vec<SelectionExample>,
}

/// Two captions with the images that they are of.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SelectionExample {
    /// The image of the first caption and, where it has one, that of the second; each below the number
    /// of images.
    pub images: Vec<usize>,
    /// The captions.
    pub captions: [String; 2],
}

impl SelectionImages {
    fn new(
        list: &Path,
        images: Vec<StoredImage>,
        examples: Vec<SelectionExample>,
    ) -> Result<Self, DataError> {
        match examples.is_empty() {
            true => Err(DataError::layout(list, "it has no examples")),
            false => Ok(Self { images, examples }),
        }
    }

    /// Number of images.
    pub fn len(&self) -> usize {
        self.images.len()
    }

    /// Whether there are no images, which opening a set rules out.
    pub fn is_empty(&self) -> bool {
        self.images.is_empty()
    }

    /// The image at `index`, in `0..len()`.
    ///
    /// # Errors
    ///
    /// When the index is past the end or the image can't be read.
    pub fn image(&self, index: usize) -> Result<DynamicImage, DataError> {
        let out_of_range = || DataError::OutOfRange { index, len: self.images.len() };
        self.images.get(index).ok_or_else(out_of_range)?.decode(DEFAULT_MAX_PIXELS)
    }

    /// The images' file names without their endings.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.images.iter().map(|image| image.key.as_str())
    }

    /// The examples, at least one.
    pub fn examples(&self) -> &[SelectionExample] {
        &self.examples
    }
}
