//! Labelled images whose labels are in MATLAB files: Stanford Cars and Oxford Flowers.

use std::path::{Path, PathBuf};

use super::{LabelledFiles, MatValue, Split, read_mat};
use crate::DataError;
use crate::stored::StoredImage;

impl LabelledFiles {
    /// Opens Stanford Cars (Krause et al. 2013): `devkit/cars_train_annos.mat` with `cars_train`, or
    /// `cars_test_annos_withlabels.mat` (also below `devkit`) with `cars_test`.
    ///
    /// # Errors
    ///
    /// When a file is missing or holds something else, or an image is not there.
    pub fn cars(
        folder: impl AsRef<Path>,
        split: Split,
        class_names: Vec<String>,
    ) -> Result<Self, DataError> {
        let folder = folder.as_ref();
        let (list, images) = match split {
            Split::Train => ("cars_train_annos.mat", "cars_train"),
            Split::Test => ("cars_test_annos_withlabels.mat", "cars_test"),
        };
        let in_devkit = folder.join("devkit").join(list);
        let list = if in_devkit.exists() { in_devkit } else { folder.join(list) };
        let variables = read_mat(&list)?;
        let Some(MatValue::Structs(annotations)) = variables.get("annotations") else {
            return Err(DataError::layout(list, "it has no structures `annotations`"));
        };
        let labelled = annotations.iter().map(|annotation| {
            let name = annotation.get("fname").and_then(MatValue::text)?;
            let class = *annotation.get("class")?.numbers()?.first()?;
            Some((folder.join(images).join(name), class as usize))
        });
        let labelled: Option<Vec<_>> = labelled.collect();
        let reason = "an annotation has no `fname` or no `class`: it is the list without labels";
        let labelled = labelled.ok_or_else(|| DataError::layout(&list, reason))?;
        Self::numbered(&list, labelled, class_names)
    }

    /// Opens Oxford Flowers (Nilsback and Zisserman 2008): `imagelabels.mat`, `setid.mat` and the
    /// folder `jpg`. Images to learn from are those of the training and the validation set.
    ///
    /// # Errors
    ///
    /// When a file is missing or holds something else, or an image is not there.
    pub fn flowers(
        folder: impl AsRef<Path>,
        split: Split,
        class_names: Vec<String>,
    ) -> Result<Self, DataError> {
        let folder = folder.as_ref();
        let array = |path: &Path, name: &str| {
            let numbers = read_mat(path)?.get(name).and_then(MatValue::numbers);
            let reason = || DataError::layout(path, format!("it has no numbers `{name}`"));
            numbers.ok_or_else(reason)
        };
        let (labels, sets) = (folder.join("imagelabels.mat"), folder.join("setid.mat"));
        let numbers = match split {
            Split::Train => [array(&sets, "trnid")?, array(&sets, "valid")?].concat(),
            Split::Test => array(&sets, "tstid")?,
        };
        let classes = array(&labels, "labels")?;
        let labelled = numbers.iter().map(|number| {
            let class = *classes.get((*number as usize).checked_sub(1)?)?;
            Some((folder.join(format!("jpg/image_{number:05}.jpg")), class as usize))
        });
        let labelled: Option<Vec<_>> = labelled.collect();
        let reason = "it names images that have no label: the files belong to different sets";
        let labelled = labelled.ok_or_else(|| DataError::layout(&sets, reason))?;
        Self::numbered(&labels, labelled, class_names)
    }

    /// Files with classes that count from 1.
    fn numbered(
        list: &Path,
        labelled: Vec<(PathBuf, usize)>,
        class_names: Vec<String>,
    ) -> Result<Self, DataError> {
        let classes = class_names.len();
        let stored = labelled.into_iter().map(|(path, class)| {
            let wrong = |reason: String| DataError::layout(list, reason);
            let label = class.checked_sub(1).filter(|label| *label < classes);
            let label = label.ok_or_else(|| {
                wrong(format!("{} has class {class} of {classes}", path.display()))
            })?;
            match path.is_file() {
                true => Ok((StoredImage::of_file(path), label)),
                false => Err(wrong(format!("it names {}, which is not there", path.display()))),
            }
        });
        Ok(Self::new(stored.collect::<Result<_, _>>()?, class_names))
    }
}
