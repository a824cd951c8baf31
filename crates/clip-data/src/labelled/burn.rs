//! Labelled images as a data set of Burn's.

use burn_dataset::{Dataset, DatasetError};
use image::DynamicImage;

use super::LabelledImages;

/// Labelled images as a [`Dataset`] of [`LabelledItem`]s, for Burn's data loaders.
///
/// An image that can't be read is an error whose source is the [`DataError`](crate::DataError); so is
/// an index past the end.
pub struct LabelledDataset<T>(pub T);

/// One image and its class.
#[derive(Clone, Debug, PartialEq)]
pub struct LabelledItem {
    /// The image.
    pub image: DynamicImage,
    /// The class's index in [`LabelledImages::class_names`].
    pub label: usize,
}

impl<T: LabelledImages> Dataset<LabelledItem> for LabelledDataset<T> {
    fn get(&self, index: usize) -> Result<LabelledItem, DatasetError> {
        let image = self.0.image(index).map_err(DatasetError::new)?;
        Ok(LabelledItem { image, label: self.0.labels()[index] })
    }

    fn len(&self) -> usize {
        self.0.len()
    }
}

#[cfg(test)]
mod tests {
    use std::error::Error;
    use std::fs;

    use super::*;
    use crate::testing::{picture, png};
    use crate::{DataError, ShardOpener, open_labelled};

    #[test]
    fn burn_sees_the_images_labels_and_errors() {
        let folder = tempfile::tempdir().unwrap();
        for (number, class) in ["cat", "fox"].iter().enumerate() {
            let class = folder.path().join(class);
            fs::create_dir(&class).unwrap();
            fs::write(class.join("a.png"), png(&picture(number))).unwrap();
        }
        fs::write(folder.path().join("fox/b.png"), "no image").unwrap();
        let images =
            open_labelled(&[folder.path().to_string_lossy().into_owned()], &ShardOpener::default())
                .unwrap();
        let dataset = LabelledDataset(images);
        assert_eq!(dataset.len(), 3);
        let items: Vec<_> = dataset.iter().take(2).map(Result::unwrap).collect();
        let wanted = [0, 1].map(|label| LabelledItem { image: picture(label), label });
        assert_eq!(items, wanted);
        let error = dataset.get(2).unwrap_err();
        assert!(error.to_string().contains("fox: sample `b`: not a readable"), "{error}");
        assert!(error.source().unwrap().is::<DataError>());
        assert!(dataset.get(3).is_err());
    }
}
