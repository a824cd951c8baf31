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

#[cfg(feature = "download")]
pub use download::download_cifar;
pub use set::CifarSet;

use super::pixels::{Channels, interleave};
use super::{LabelledPixels, in_words};
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

impl LabelledPixels {
    /// Opens CIFAR-10 or CIFAR-100 with its fine classes: `folder` holds `test_batch.bin` and
    /// `batches.meta.txt`, or `test.bin` and `fine_label_names.txt`; or it has the folder that their
    /// archive unpacks to.
    ///
    /// # Errors
    ///
    /// When a file is missing or of the wrong size, or a label or the number of names is wrong.
    pub fn cifar(folder: impl AsRef<Path>, set: CifarSet, split: Split) -> Result<Self, DataError> {
        let layout = set.layout();
        let folder = layout.folder_in(folder.as_ref());
        let files = match split {
            Split::Train => layout.train,
            Split::Test => std::slice::from_ref(&layout.test),
        };
        let (mut planes, mut labels) = (Vec::new(), Vec::new());
        for file in files {
            let records = read_records(folder.join(file), layout)?;
            for record in records.chunks_exact(layout.label_bytes + IMAGE) {
                let (label, image) = record.split_at(layout.label_bytes);
                labels.push(usize::from(label[layout.label_bytes - 1]));
                planes.extend_from_slice(image);
            }
        }
        let class_names = read_names(folder.join(layout.names), layout)?;
        let at = |channel, row, column| (channel * SIDE + row) * SIDE + column;
        let pixels = interleave(&planes, [SIDE, SIDE], at);
        Self::new(&folder, (pixels, [SIDE as u32; 2], Channels::Rgb), labels, class_names)
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
