//! The classification set of PASCAL VOC 2007 (Everingham et al. 2010), where an image has several
//! classes.

use std::fs;
use std::path::Path;

use image::DynamicImage;
use roxmltree::{Document, Node};

use super::Split;
use crate::stored::StoredImage;
use crate::{DEFAULT_MAX_PIXELS, DataError};

/// Images with the classes that are in them.
pub struct VocImages {
    images: Vec<StoredImage>,
    truth: Vec<Vec<Option<bool>>>,
}

impl VocImages {
    /// Opens `ImageSets/Main/test.txt` (or `trainval.txt`), `Annotations` and `JPEGImages` in `folder`
    /// or in its `VOCdevkit/VOC2007`.
    ///
    /// # Errors
    ///
    /// When a file is missing, or an annotation is no XML.
    pub fn open(
        folder: impl AsRef<Path>,
        split: Split,
        class_names: &[String],
    ) -> Result<Self, DataError> {
        let inner = folder.as_ref().join("VOCdevkit/VOC2007");
        let folder = if inner.is_dir() { inner } else { folder.as_ref().to_owned() };
        let list = folder.join("ImageSets/Main").join(match split {
            Split::Train => "trainval.txt",
            Split::Test => "test.txt",
        });
        let read = |path: &Path| fs::read_to_string(path).map_err(|e| DataError::io(path, e));
        let mut voc = Self { images: Vec::new(), truth: Vec::new() };
        for name in read(&list)?.split_whitespace() {
            let annotation = folder.join("Annotations").join(name).with_extension("xml");
            let text = read(&annotation)?;
            let xml = Document::parse(&text)
                .map_err(|error| DataError::layout(&annotation, error.to_string()))?;
            voc.truth.push(truth(&xml, class_names));
            let image = folder.join("JPEGImages").join(name).with_extension("jpg");
            voc.images.push(StoredImage::of_file(image));
        }
        match voc.images.is_empty() {
            true => Err(DataError::layout(list, "it lists no images")),
            false => Ok(voc),
        }
    }

    /// The image at `index`, in `0..truth().len()`.
    ///
    /// # Errors
    ///
    /// When the index is past the end or the image can't be read.
    pub fn image(&self, index: usize) -> Result<DynamicImage, DataError> {
        let out_of_range = || DataError::OutOfRange { index, len: self.images.len() };
        self.images.get(index).ok_or_else(out_of_range)?.decode(DEFAULT_MAX_PIXELS)
    }

    /// For each image and each class, whether it is there. `None` is where only difficult objects of
    /// that class are, which the challenge does not count.
    pub fn truth(&self) -> &[Vec<Option<bool>>] {
        &self.truth
    }
}

/// Whether each class is there.
fn truth(xml: &Document<'_>, class_names: &[String]) -> Vec<Option<bool>> {
    let child = |node: Node<'_, '_>, name: &str| {
        let found = node.children().find(|child| child.has_tag_name(name));
        found.and_then(|child| child.text().map(|text| text.trim().to_owned()))
    };
    let mut truth = vec![Some(false); class_names.len()];
    for object in xml.descendants().filter(|node| node.has_tag_name("object")) {
        let name = child(object, "name").unwrap_or_default();
        let is_difficult = child(object, "difficult").is_some_and(|flag| flag == "1");
        if let Some(class) = class_names.iter().position(|known| *known == name) {
            truth[class] = match (truth[class], is_difficult) {
                (Some(true), _) | (_, false) => Some(true),
                _ => None,
            };
        }
    }
    truth
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{picture, png};

    #[test]
    fn objects_are_classes_and_difficult_ones_do_not_count() {
        let folder = tempfile::tempdir().unwrap();
        let voc = folder.path().join("VOCdevkit/VOC2007");
        for name in ["ImageSets/Main", "Annotations", "JPEGImages"] {
            fs::create_dir_all(voc.join(name)).unwrap();
        }
        let names = ["cat", "dog", "sofa"].map(str::to_owned);
        let open = || VocImages::open(folder.path(), Split::Test, &names);
        assert!(open().err().unwrap().to_string().contains("test.txt"));
        fs::write(voc.join("ImageSets/Main/test.txt"), "000001\n").unwrap();
        assert!(open().err().unwrap().to_string().contains("000001.xml"));
        let object = |name: &str, difficult: u8| {
            format!("<object><name>{name}</name><difficult>{difficult}</difficult></object>")
        };
        let objects = [("cat", 1), ("dog", 1), ("cat", 0), ("cat", 1)];
        let objects: String = objects.iter().map(|(name, hard)| object(name, *hard)).collect();
        let annotation = voc.join("Annotations/000001.xml");
        fs::write(&annotation, format!("<annotation>{objects}</annotation>")).unwrap();
        fs::write(voc.join("JPEGImages/000001.jpg"), png(&picture(3))).unwrap();
        let set = open().unwrap();
        assert_eq!(set.truth(), [[Some(true), None, Some(false)]]);
        assert_eq!(set.image(0).unwrap(), picture(3));
        fs::write(&annotation, "<annotation>").unwrap();
        assert!(open().err().unwrap().to_string().contains("000001.xml: "));
    }
}
