//! A folder for each class, images within.

use std::path::{Path, PathBuf};

use super::{LabelledFiles, in_words};
use crate::DataError;
use crate::stored::{StoredImage, is_image_file, sorted_entries};

impl LabelledFiles {
    /// `FOLDER/CLASS/IMAGE.png` (or another image format's ending), classes and images sorted by
    /// name, or classes by number where all are numbers (ImageNet V2). A class is named after its
    /// folder, with spaces for underscores.
    ///
    /// # Errors
    ///
    /// When the folder can't be read, or a class or the whole has no images.
    pub fn folder(folder: impl AsRef<Path>) -> Result<Self, DataError> {
        let folder = folder.as_ref();
        let mut classes = sorted_entries(folder, Path::is_dir)?;
        let number = |class: &PathBuf| class.file_name()?.to_str()?.parse::<u64>().ok();
        if classes.iter().all(|class| number(class).is_some()) {
            classes.sort_by_key(number);
        }
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
        Ok(Self::new(images, class_names))
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::LabelledImages;
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
        let images = LabelledFiles::folder(folder.path()).unwrap();
        assert_eq!(images.class_names(), ["cat", "red fox"]);
        assert_eq!(images.len(), 3);
        assert_eq!((images.image(1).unwrap(), images.labels()), (picture(1), &[0, 1, 1][..]));
    }

    #[test]
    fn numbers_are_sorted_as_such() {
        let folder = tempfile::tempdir().unwrap();
        for class in ["10", "9", "0"] {
            let class = folder.path().join(class);
            fs::create_dir(&class).unwrap();
            fs::write(class.join("a.png"), png(&picture(0))).unwrap();
        }
        assert_eq!(LabelledFiles::folder(folder.path()).unwrap().class_names(), ["0", "9", "10"]);
        fs::rename(folder.path().join("0"), folder.path().join("zero")).unwrap();
        let names = LabelledFiles::folder(folder.path()).unwrap().class_names().to_vec();
        assert_eq!(names, ["10", "9", "zero"]);
    }

    #[test]
    fn a_folder_without_images_and_a_corrupt_image_are_named() {
        let folder = tempfile::tempdir().unwrap();
        let message = || LabelledFiles::folder(folder.path()).err().unwrap().to_string();
        assert!(message().contains("make one for each class"));
        fs::create_dir(folder.path().join("cat")).unwrap();
        assert!(message().contains("cat: this class has no image"));
        fs::write(folder.path().join("cat/a.png"), "no image").unwrap();
        let error = LabelledFiles::folder(folder.path()).unwrap().image(0).unwrap_err().to_string();
        assert!(error.contains("cat: sample `a`: not a readable"), "{error}");
    }
}
