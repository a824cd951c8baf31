//! CIFAR-10 and CIFAR-100 in their original binary layout (Krizhevsky 2009).

use std::fs;
use std::path::{Path, PathBuf};

use image::{DynamicImage, Rgb, RgbImage};

use super::{LabelledImages, in_words};
use crate::DataError;

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

/// What tells CIFAR-10 and CIFAR-100 apart.
struct Layout {
    folder: &'static str,
    train: &'static [&'static str],
    test: &'static str,
    names: &'static str,
    classes: usize,
    /// Label bytes before each image; the last is the one that counts.
    label_bytes: usize,
}

const CIFAR10: Layout = Layout {
    folder: "cifar-10-batches-bin",
    train: &[
        "data_batch_1.bin",
        "data_batch_2.bin",
        "data_batch_3.bin",
        "data_batch_4.bin",
        "data_batch_5.bin",
    ],
    test: "test_batch.bin",
    names: "batches.meta.txt",
    classes: 10,
    label_bytes: 1,
};

const CIFAR100: Layout = Layout {
    folder: "cifar-100-binary",
    train: &["train.bin"],
    test: "test.bin",
    names: "fine_label_names.txt",
    classes: 100,
    label_bytes: 2,
};

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
        Self::open(folder.as_ref(), split, &CIFAR10)
    }

    /// Opens CIFAR-100 with its 100 fine classes: `folder` holds `test.bin` and
    /// `fine_label_names.txt`, or has the folder `cifar-100-binary` that does.
    ///
    /// # Errors
    ///
    /// As [`cifar10`](Self::cifar10).
    pub fn cifar100(folder: impl AsRef<Path>, split: Split) -> Result<Self, DataError> {
        Self::open(folder.as_ref(), split, &CIFAR100)
    }

    fn open(folder: &Path, split: Split, layout: &Layout) -> Result<Self, DataError> {
        let inner = folder.join(layout.folder);
        let folder = if inner.is_dir() { inner } else { folder.to_owned() };
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

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    /// A record whose red plane counts up, green is its label and blue is 7.
    fn record(labels: &[u8]) -> Vec<u8> {
        let planes = (0..IMAGE).map(|position| match position / (SIDE * SIDE) {
            0 => (position % 251) as u8,
            1 => labels[labels.len() - 1],
            _ => 7,
        });
        labels.iter().copied().chain(planes).collect()
    }

    fn cifar10_at(folder: &Path) {
        fs::create_dir_all(folder).unwrap();
        let names = (0..10).map(|class| format!("class_{class}\n")).collect::<String>();
        fs::write(folder.join("batches.meta.txt"), names + "\n").unwrap();
        fs::write(folder.join("test_batch.bin"), [record(&[3]), record(&[9])].concat()).unwrap();
        for number in 1..=5 {
            fs::write(folder.join(format!("data_batch_{number}.bin")), record(&[number])).unwrap();
        }
    }

    #[test]
    fn cifar10_reads_planes_labels_and_names_from_either_folder() {
        let folder = tempfile::tempdir().unwrap();
        let inner = folder.path().join("cifar-10-batches-bin");
        cifar10_at(&inner);
        for path in [folder.path(), &inner] {
            let test = CifarFolder::cifar10(path, Split::Test).unwrap();
            assert_eq!((test.len(), test.class_names()[3].as_str()), (2, "class 3"));
            let (image, label) = test.get(1).unwrap();
            assert_eq!(label, 9);
            let corner = image.to_rgb8().get_pixel(1, 2).0;
            assert_eq!(corner, [2 * 32 + 1, 9, 7]);
            assert!(matches!(test.get(2), Err(DataError::OutOfRange { index: 2, len: 2 })));
        }
        let train = CifarFolder::cifar10(folder.path(), Split::Train).unwrap();
        let labels: Vec<_> = (0..5).map(|index| train.get(index).unwrap().1).collect();
        assert_eq!(labels, [1, 2, 3, 4, 5]);
    }

    #[test]
    fn cifar100_uses_the_fine_label() {
        let folder = tempfile::tempdir().unwrap();
        let names: Vec<_> = (0..100).map(|class| format!("name_{class}")).collect();
        fs::write(folder.path().join("fine_label_names.txt"), names.join("\n")).unwrap();
        fs::write(folder.path().join("test.bin"), record(&[4, 71])).unwrap();
        let test = CifarFolder::cifar100(folder.path(), Split::Test).unwrap();
        assert_eq!(test.get(0).unwrap().1, 71);
        assert_eq!(test.class_names()[71], "name 71");
    }

    #[test]
    fn damaged_files_are_named() {
        let folder = tempfile::tempdir().unwrap();
        let message = || {
            let error = CifarFolder::cifar10(folder.path(), Split::Test).err().unwrap();
            error.to_string()
        };
        assert!(message().contains("test_batch.bin") && message().contains("check that it exists"));
        cifar10_at(folder.path());
        let batch = folder.path().join("test_batch.bin");
        fs::write(&batch, &record(&[1])[1..]).unwrap();
        assert!(message().contains("3072 bytes are no whole number of 3073-byte records"));
        fs::write(&batch, [record(&[1]), record(&[10])].concat()).unwrap();
        assert!(message().contains("image 1 has label 10 of 10 classes"));
        fs::write(&batch, record(&[1])).unwrap();
        fs::write(folder.path().join("batches.meta.txt"), "cat\n").unwrap();
        assert!(message().contains("batches.meta.txt: 1 class names, expected 10"));
    }
}
