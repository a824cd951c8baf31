//! Labelled images for zero-shot classification, linear probes and few-shot learning.

mod annotated;
#[cfg(feature = "burn-dataset")]
mod burn;
mod cifar;
mod fer2013;
mod files;
mod folder;
mod idx;
mod lexicon;
mod listed;
mod mat;
mod pixels;
mod places;
mod rare_act;
mod stl10;
mod svhn;
mod video;
mod voc;
mod webdataset;

use image::DynamicImage;

#[cfg(feature = "burn-dataset")]
pub use burn::{LabelledDataset, LabelledItem};
#[cfg(feature = "download")]
pub use cifar::download_cifar;
pub use cifar::{CifarSet, Split};
pub use files::LabelledFiles;
pub use lexicon::{Lexicon, LexiconImages};
pub use listed::{Label, ListFormat, ListOptions};
pub use mat::{MatError, MatValue, read_mat};
pub use pixels::LabelledPixels;
pub use places::{Place, PlacedImages};
pub use rare_act::{RareAct, Segment};
pub use video::{Ffmpeg, LabelledVideos};
pub use voc::VocImages;

use crate::shards::image_folder;
use crate::{DataError, ShardOpener};

/// Images that each belong to one of several named classes.
pub trait LabelledImages: Send + Sync {
    /// Number of images.
    fn len(&self) -> usize {
        self.labels().len()
    }

    /// Whether there are no images. The sets of this crate never are: opening one is an error.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The image at `index`, in `0..len()`.
    ///
    /// # Errors
    ///
    /// When the index is past the end or the image can't be read.
    fn image(&self, index: usize) -> Result<DynamicImage, DataError>;

    /// Each image's class, as an index into `class_names()`.
    fn labels(&self) -> &[usize];

    /// The classes' names, in words.
    fn class_names(&self) -> &[String];
}

impl<T: LabelledImages + ?Sized> LabelledImages for Box<T> {
    fn image(&self, index: usize) -> Result<DynamicImage, DataError> {
        T::image(self, index)
    }

    fn labels(&self) -> &[usize] {
        T::labels(self)
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
/// As [`LabelledFiles::shards`] and [`LabelledFiles::folder`].
pub fn open_labelled(data: &[String], opener: &ShardOpener) -> Result<LabelledFiles, DataError> {
    match image_folder(data) {
        Some(folder) => LabelledFiles::folder(folder),
        None => LabelledFiles::shards(data, opener),
    }
}

/// A folder's or file's name for a class, in words.
fn in_words(name: &str) -> String {
    name.trim().replace('_', " ")
}
