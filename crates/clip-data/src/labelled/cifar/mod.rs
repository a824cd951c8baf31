//! CIFAR-10 and CIFAR-100 in their original binary layout (Krizhevsky 2009).

#[cfg(feature = "download")]
mod archive;
#[cfg(feature = "download")]
mod download;
mod set;
#[cfg(test)]
#[cfg(feature = "download")]
mod testing;
#[cfg(test)]
mod tests;

use std::fs;
use std::path::{Path, PathBuf};

use image::{DynamicImage, Rgb, RgbImage};

#[cfg(feature = "download")]
pub use download::download_cifar;
pub use set::CifarSet;

use super::{LabelledImages, in_words};
use crate::DataError;
use set::Layout;

/// Side of an image in pixels.
const SIDE: usize = 32;

/// Bytes of an image: a red, a green and a blue plane.
const IMAGE: usize = 3 * SIDE * SIDE;

/// Which part of a data set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Split {
    /// What a linear probe may learn from: 50,000 images in the original.
    Train,
    /// What a model is measured on: 10,000 images in the original.
    Test,
}

/// The images of one split, held in memory (31 MB for a test split).
pub struct CifarFolder {
    records: Vec<u8>,
    label_bytes: usize,
    class_names: Vec<String>,
}

impl CifarFolder {
    /// Opens CIFAR-10: `folder` holds `test_batch.bin` and `batches.meta.txt`, or has the folder
    /// `cifar-10-batches-bin` that does.
    ///
    /// # Errors
    ///
    /// When a file is missing or of the wrong size, or a label or the number of names is wrong.
    pub fn cifar10(folder: impl AsRef<Path>, split: Split) -> Result<Self, DataError> {
        Self::open(folder, CifarSet::Cifar10, split)
    }

    /// Opens CIFAR-100 with its 100 fine classes: `folder` holds `test.bin` and
    /// `fine_label_names.txt`, or has the folder `cifar-100-binary` that does.
    ///
    /// # Errors
    ///
    /// As [`cifar10`](Self::cifar10).
    pub fn cifar100(folder: impl AsRef<Path>, split: Split) -> Result<Self, DataError> {
        Self::open(folder, CifarSet::Cifar100, split)
    }

    /// Opens the set that is named by a value.
    ///
    /// # Errors
    ///
    /// As [`cifar10`](Self::cifar10).
    pub fn open(folder: impl AsRef<Path>, set: CifarSet, split: Split) -> Result<Self, DataError> {
        let layout = set.layout();
        let folder = layout.folder_in(folder.as_ref());
        let files = match split {
            Split::Train => layout.train,
            Split::Test => std::slice::from_ref(&layout.test),
        };
        let mut records = Vec::new();
        for file in files {
            records.extend(read_records(folder.join(file), layout)?);
        }
        let class_names = read_names(folder.join(layout.names), layout)?;
        Ok(Self { records, label_bytes: layout.label_bytes, class_names })
    }
}

impl LabelledImages for CifarFolder {
    fn len(&self) -> usize {
        self.records.len() / (self.label_bytes + IMAGE)
    }

    fn get(&self, index: usize) -> Result<(DynamicImage, usize), DataError> {
        let out_of_range = || DataError::OutOfRange { index, len: self.len() };
        let mut records = self.records.chunks_exact(self.label_bytes + IMAGE);
        let record = records.nth(index).ok_or_else(out_of_range)?;
        let (labels, planes) = record.split_at(self.label_bytes);
        let image = RgbImage::from_fn(SIDE as u32, SIDE as u32, |x, y| {
            let pixel = y as usize * SIDE + x as usize;
            Rgb(std::array::from_fn(|channel| planes[channel * SIDE * SIDE + pixel]))
        });
        Ok((DynamicImage::ImageRgb8(image), usize::from(labels[self.label_bytes - 1])))
    }

    fn class_names(&self) -> &[String] {
        &self.class_names
    }
}

fn read_records(path: PathBuf, layout: &Layout) -> Result<Vec<u8>, DataError> {
    let records = fs::read(&path).map_err(|source| DataError::io(&path, source))?;
    let record = layout.label_bytes + IMAGE;
    if records.is_empty() || records.len() % record != 0 {
        let found = records.len();
        let reason = format!(
            "{found} bytes are no whole number of {record}-byte records: unpack the binary \
             version of {} again",
            layout.folder
        );
        return Err(DataError::layout(path, reason));
    }
    let labels = records.iter().skip(layout.label_bytes - 1).step_by(record);
    match labels.into_iter().enumerate().find(|(_, label)| usize::from(**label) >= layout.classes) {
        Some((index, label)) => {
            let reason = format!(
                "image {index} has label {label} of {} classes: this is not {}'s binary version",
                layout.classes, layout.folder
            );
            Err(DataError::layout(path, reason))
        }
        None => Ok(records),
    }
}

fn read_names(path: PathBuf, layout: &Layout) -> Result<Vec<String>, DataError> {
    let text = fs::read_to_string(&path).map_err(|source| DataError::io(&path, source))?;
    let lines = text.lines().filter(|line| !line.trim().is_empty());
    let names: Vec<String> = lines.map(in_words).collect();
    if names.len() != layout.classes {
        let reason = format!("{} class names, expected {}", names.len(), layout.classes);
        return Err(DataError::layout(path, reason));
    }
    Ok(names)
}
