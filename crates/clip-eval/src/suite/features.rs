//! Features that are kept on disk.

use std::fs;
use std::path::{Path, PathBuf};

use burn::tensor::{Device, Tensor};
use clip_data::DataError;
use sha2::{Digest, Sha256};
use thiserror::Error;

use super::model::hexadecimal;
use super::{NpyError, read_npy, write_npy};

/// Features of a part of a data set, with the labels of its images.
#[derive(Clone, Debug)]
pub struct Features {
    /// `[images, width]`.
    pub features: Tensor<2>,
    /// One for each image.
    pub labels: Vec<usize>,
}

/// Why there are no features.
#[derive(Debug, Error)]
pub enum FeatureError {
    /// An image can't be read.
    #[error(transparent)]
    Data(#[from] DataError),
    /// The file of features can't be read or written.
    #[error(transparent)]
    Npy(#[from] NpyError),
    /// There are features of more or fewer images.
    #[error(
        "{path} has features of {found} images, and there are {expected}: write them in order, one for each"
    )]
    Count {
        /// The file.
        path: PathBuf,
        /// Rows of the file.
        found: usize,
        /// Images.
        expected: usize,
    },
}

/// A folder of features, by what made them and of what.
pub struct FeatureStore {
    folder: PathBuf,
}

impl FeatureStore {
    /// Features in `folder`, which need not be there yet.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into() }
    }

    /// The features that are there, or those that `encode` makes, which are kept.
    ///
    /// `model` tells what makes them (see [`digest`](super::digest)), `part` of which data set and
    /// split they are. Images that are more, fewer or others than before are seen by their number
    /// and labels.
    ///
    /// # Errors
    ///
    /// See [`FeatureError`].
    pub fn get(
        &self,
        model: &str,
        part: &str,
        labels: &[usize],
        device: &Device,
        encode: impl FnOnce() -> Result<Tensor<2>, DataError>,
    ) -> Result<Features, FeatureError> {
        let labels = labels.to_vec();
        let path = self.folder.join(model).join(name_of(part, &labels));
        if path.exists()
            && let Ok(features) = read_npy(&path, device)
            && features.dims()[0] == labels.len()
        {
            return Ok(Features { features, labels });
        }
        write_npy(&path, &encode()?)?;
        // As a run that goes on will read them, to the last digit.
        Ok(Features { features: read_npy(&path, device)?, labels })
    }
}

/// The file of what belongs to images with these labels.
pub(super) fn name_of(part: &str, labels: &[usize]) -> String {
    let mut hash = Sha256::new();
    hash.update(part);
    labels.iter().for_each(|label| hash.update((*label as u64).to_le_bytes()));
    format!("{part}-{}.npy", hexadecimal(&hash.finalize()))
}

/// Features that another program wrote, `DATASET-train.npy` and `DATASET-test.npy` in a folder.
pub struct GivenFeatures {
    /// What made them, for the report.
    pub name: String,
    folder: PathBuf,
}

impl GivenFeatures {
    /// Features in `folder`, which are named after it.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        let folder = folder.into();
        let name = folder.file_name().map(|name| name.to_string_lossy().into_owned());
        Self { name: name.unwrap_or_else(|| "given".into()), folder }
    }

    /// Tells the files from others by their names, sizes and times.
    pub fn digest(&self) -> String {
        let entries = fs::read_dir(&self.folder).into_iter().flatten().flatten();
        let about = |entry: fs::DirEntry| {
            let about = entry.metadata().ok()?;
            Some((entry.file_name(), about.len(), about.modified().ok()))
        };
        let mut files: Vec<_> = entries.filter_map(about).collect();
        files.sort();
        format!("{}-{}", self.name, hexadecimal(&Sha256::digest(format!("{files:?}"))))
    }

    /// Whether there are features of a part of a data set.
    pub fn has(&self, part: &str) -> bool {
        self.path(part).is_file()
    }

    /// The features of a part of a data set, whose images are in the same order.
    ///
    /// # Errors
    ///
    /// See [`FeatureError`].
    pub fn get(
        &self,
        part: &str,
        labels: &[usize],
        device: &Device,
    ) -> Result<Features, FeatureError> {
        let path = self.path(part);
        let features = read_npy(&path, device)?;
        let (found, labels) = (features.dims()[0], labels.to_vec());
        match found == labels.len() {
            true => Ok(Features { features, labels }),
            false => Err(FeatureError::Count { path, found, expected: labels.len() }),
        }
    }

    fn path(&self, part: &str) -> PathBuf {
        Path::new(&self.folder).join(format!("{part}.npy"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn features(rows: usize) -> Tensor<2> {
        Tensor::ones([rows, 3], &Device::flex())
    }

    #[test]
    fn images_are_encoded_once_and_again_when_they_are_others() {
        let folder = tempfile::tempdir().unwrap();
        let store = FeatureStore::new(folder.path());
        let device = Device::flex();
        let get = |model: &str, labels: &[usize]| {
            let mut encoded = false;
            let encode = || {
                encoded = true;
                Ok(features(labels.len()))
            };
            store.get(model, "cats-test", labels, &device, encode).unwrap();
            encoded
        };
        assert!(get("a", &[0, 1]) && !get("a", &[0, 1]));
        assert!(get("b", &[0, 1]) && get("a", &[1, 1]) && get("a", &[0, 1, 1]));
        let part = folder.path().join("a");
        for file in std::fs::read_dir(part).unwrap() {
            std::fs::write(file.unwrap().path(), "half a fi").unwrap();
        }
        assert!(get("a", &[0, 1]) && !get("a", &[0, 1]));
    }

    #[test]
    fn given_features_must_be_of_as_many_images() {
        let folder = tempfile::tempdir().unwrap();
        write_npy(folder.path().join("effnet/cats-test.npy"), &features(2)).unwrap();
        let given = GivenFeatures::new(folder.path().join("effnet"));
        assert_eq!(
            (given.name.as_str(), given.has("cats-test"), given.has("cats-train")),
            ("effnet", true, false)
        );
        let device = Device::flex();
        let before = given.digest();
        write_npy(folder.path().join("effnet/cats-test.npy"), &features(2)).unwrap();
        assert_ne!(given.digest(), before);
        given.get("cats-test", &[0, 1], &device).unwrap();
        let error = given.get("cats-test", &[0], &device).unwrap_err().to_string();
        assert!(error.contains("features of 2 images, and there are 1"), "{error}");
    }
}
