//! A folder for each class, images within.

use std::path::Path;

use image::DynamicImage;

use super::{LabelledImages, in_words};
use crate::stored::{StoredImage, is_image_file, sorted_entries};
use crate::{DEFAULT_MAX_PIXELS, DataError};

/// `FOLDER/CLASS/IMAGE.png` (or another image format's ending), classes and images sorted by name.
///
/// A class is named after its folder, with spaces for underscores. Images are read when asked for.
pub struct ImageFolder {
    images: Vec<(StoredImage, usize)>,
    class_names: Vec<String>,
}

impl ImageFolder {
    /// Lists the images.
    ///
    /// # Errors
    ///
    /// When the folder can't be read, or a class or the whole has no images.
    pub fn open(folder: impl AsRef<Path>) -> Result<Self, DataError> {
        let folder = folder.as_ref();
        let classes = sorted_entries(folder, Path::is_dir)?;
        if classes.is_empty() {
            let reason = "it has no subfolders: make one for each class, with its images within";
            return Err(DataError::layout(folder, reason));
        }
        let (mut images, mut class_names) = (Vec::new(), Vec::new());
        for (label, class) in classes.iter().enumerate() {
            let files = sorted_entries(class, is_image_file)?;
            if files.is_empty() {
                let reason = "this class has no image (PNG, JPEG, WebP, GIF, BMP or TIFF): add \
                              some or remove it";
                return Err(DataError::layout(class, reason));
            }
            images.extend(files.into_iter().map(|file| (StoredImage::of_file(file), label)));
            let name = class.file_name().map(|name| in_words(&name.to_string_lossy()));
            class_names.push(name.unwrap_or_default());
        }
        Ok(Self { images, class_names })
    }
}

impl LabelledImages for ImageFolder {
    fn len(&self) -> usize {
        self.images.len()
    }

    fn get(&self, index: usize) -> Result<(DynamicImage, usize), DataError> {
        let out_of_range = || DataError::OutOfRange { index, len: self.images.len() };
        let (image, label) = self.images.get(index).ok_or_else(out_of_range)?;
        Ok((image.decode(DEFAULT_MAX_PIXELS)?, *label))
    }

    fn class_names(&self) -> &[String] {
        &self.class_names
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::testing::{picture, png};

    #[test]
    fn classes_and_images_are_sorted_by_name() {
        let folder = tempfile::tempdir().unwrap();
        for (number, name) in ["red_fox/b.png", "red_fox/a.PNG", "cat/z.png"].iter().enumerate() {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, png(&picture(number))).unwrap();
        }
        fs::write(folder.path().join("cat/notes.txt"), "").unwrap();
        let images = ImageFolder::open(folder.path()).unwrap();
        assert_eq!(images.class_names(), ["cat", "red fox"]);
        assert_eq!(images.len(), 3);
        let (image, label) = images.get(1).unwrap();
        assert_eq!((image, label), (picture(1), 1));
    }

    #[test]
    fn a_folder_without_images_and_a_corrupt_image_are_named() {
        let folder = tempfile::tempdir().unwrap();
        let message = || ImageFolder::open(folder.path()).err().unwrap().to_string();
        assert!(message().contains("make one for each class"));
        fs::create_dir(folder.path().join("cat")).unwrap();
        assert!(message().contains("cat: this class has no image"));
        fs::write(folder.path().join("cat/a.png"), "no image").unwrap();
        let error = ImageFolder::open(folder.path()).unwrap().get(0).unwrap_err().to_string();
        assert!(error.contains("cat: sample `a`: not a readable"), "{error}");
    }
}
