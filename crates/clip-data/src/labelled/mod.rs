//! Labelled images for zero-shot classification, linear probes and few-shot learning.

#[cfg(feature = "burn-dataset")]
mod burn;
mod cifar;
mod folder;
mod webdataset;

use image::DynamicImage;

#[cfg(feature = "burn-dataset")]
pub use burn::{LabelledDataset, LabelledItem};
#[cfg(feature = "download")]
pub use cifar::download_cifar;
pub use cifar::{CifarFolder, CifarSet, Split};
pub use folder::ImageFolder;
pub use webdataset::WebDatasetLabelled;

use crate::shards::image_folder;
use crate::{DataError, ShardOpener};

/// Images that each belong to one of several named classes.
pub trait LabelledImages: Send + Sync {
    /// Number of images.
    fn len(&self) -> usize;

    /// Whether there are no images. The sets of this crate never are: opening one is an error.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The image at `index`, in `0..len()`, and its class's index in `class_names()`.
    ///
    /// # Errors
    ///
    /// When the index is past the end or the image can't be read.
    fn get(&self, index: usize) -> Result<(DynamicImage, usize), DataError>;

    /// The classes' names, in words.
    fn class_names(&self) -> &[String];
}

impl<T: LabelledImages + ?Sized> LabelledImages for Box<T> {
    fn len(&self) -> usize {
        T::len(self)
    }

    fn get(&self, index: usize) -> Result<(DynamicImage, usize), DataError> {
        T::get(self, index)
    }

    fn class_names(&self) -> &[String] {
        T::class_names(self)
    }
}

/// Labelled images of shards, read through `opener`, or of an image folder where `data` is one
/// folder without shards.
///
/// # Errors
///
/// As [`WebDatasetLabelled::open`] and [`ImageFolder::open`].
pub fn open_labelled(
    data: &[String],
    opener: &ShardOpener,
) -> Result<Box<dyn LabelledImages>, DataError> {
    match image_folder(data) {
        Some(folder) => Ok(Box::new(ImageFolder::open(folder)?)),
        None => Ok(Box::new(WebDatasetLabelled::open(data, opener)?)),
    }
}

/// A folder's or file's name for a class, in words.
fn in_words(name: &str) -> String {
    name.trim().replace('_', " ")
}
