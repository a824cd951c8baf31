//! Labelled images that are files, or members of shards.

use image::DynamicImage;

use super::LabelledImages;
use crate::stored::StoredImage;
use crate::{DEFAULT_MAX_PIXELS, DataError};

/// Labelled images as they were encoded, decoded when asked for: in files of their own, or from
/// shards, held in memory.
pub struct LabelledFiles {
    images: Vec<StoredImage>,
    labels: Vec<usize>,
    class_names: Vec<String>,
}

impl LabelledFiles {
    /// Images with their labels, each below the number of names.
    pub(super) fn new(images: Vec<(StoredImage, usize)>, class_names: Vec<String>) -> Self {
        let (images, labels) = images.into_iter().unzip();
        Self { images, labels, class_names }
    }
}

impl LabelledImages for LabelledFiles {
    fn image(&self, index: usize) -> Result<DynamicImage, DataError> {
        let out_of_range = || DataError::OutOfRange { index, len: self.images.len() };
        self.images.get(index).ok_or_else(out_of_range)?.decode(DEFAULT_MAX_PIXELS)
    }

    fn labels(&self) -> &[usize] {
        &self.labels
    }

    fn class_names(&self) -> &[String] {
        &self.class_names
    }
}
