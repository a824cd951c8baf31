//! Labelled images in tar shards.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use super::LabelledFiles;
use crate::stored::{StoredImage, whole_samples};
use crate::{
    CaptionFields, Cause, DataError, Location, RawSample, SampleText, ShardOpener, expand_shards,
};

impl LabelledFiles {
    /// Every sample of the shards (specs as in [`expand_shards`]), read through `opener` and kept
    /// encoded in memory.
    ///
    /// The label is the number in the `cls` member, with one name a line in `classnames.txt` beside the
    /// shards or one folder up (CLIP_benchmark's layout). Without `cls`, the class is the `concept`
    /// of the `json` member, named by the first `name` it occurs with, in the order of the concepts.
    ///
    /// # Errors
    ///
    /// When a shard is missing or broken, a sample has no image or no label, or the class names are
    /// missing or too few.
    pub fn shards(shards: &[String], opener: &ShardOpener) -> Result<Self, DataError> {
        let mut by_number = Vec::new();
        let mut by_concept = Vec::new();
        for sample in whole_samples(shards, opener)? {
            let sample = sample?;
            let image = StoredImage::of_sample(&sample)?;
            match class_number(&sample)? {
                Some(label) => by_number.push((image, label)),
                None => by_concept.push((image, concept_and_name(&sample)?)),
            }
        }
        let shards: Vec<_> =
            expand_shards(shards)?.iter().filter_map(Location::file).map(Path::to_owned).collect();
        match (by_number.is_empty(), by_concept.is_empty()) {
            (false, true) => numbered(by_number, &shards),
            (true, false) => Ok(conceptual(by_concept)),
            (true, true) => Err(layout(&shards, "the shards hold no samples")),
            (false, false) => Err(layout(
                &shards,
                "some samples have a `cls` member and some don't: give it to all or to none",
            )),
        }
    }
}

/// The `cls` member's number, if there is one.
fn class_number(sample: &RawSample) -> Result<Option<usize>, DataError> {
    let Some(bytes) = sample.member("cls") else {
        return Ok(None);
    };
    let text = String::from_utf8_lossy(bytes);
    match text.trim().parse() {
        Ok(label) => Ok(Some(label)),
        Err(_) => {
            let reason = format!("its `cls` member is `{}`, not a class number", text.trim());
            Err(DataError::Sample(sample.fault(Cause::NoCaption, reason)))
        }
    }
}

fn concept_and_name(sample: &RawSample) -> Result<(String, String), DataError> {
    let text = SampleText::read(sample, &CaptionFields::default()).map_err(DataError::Sample)?;
    let name = text.captions.main().to_owned();
    let unlabelled = || {
        let reason = "it has no label: give it a `cls` member, or a `json` member with `concept`";
        DataError::Sample(sample.fault(Cause::NoCaption, reason))
    };
    Ok((text.concept.ok_or_else(unlabelled)?, name))
}

fn numbered(
    images: Vec<(StoredImage, usize)>,
    shards: &[PathBuf],
) -> Result<LabelledFiles, DataError> {
    let folders = shards.iter().flat_map(|shard| shard.ancestors().skip(1).take(2));
    let Some(path) =
        folders.map(|folder| folder.join("classnames.txt")).find(|path| path.is_file())
    else {
        let reason = "no classnames.txt beside the shards or one folder up: write one name a line";
        return Err(layout(shards, reason));
    };
    let text = fs::read_to_string(&path).map_err(|source| DataError::io(&path, source))?;
    let class_names: Vec<String> = text.lines().map(|line| line.trim().to_owned()).collect();
    match images.iter().find(|(_, label)| *label >= class_names.len()) {
        Some((image, label)) => {
            let (key, names) = (&image.key, class_names.len());
            let reason = format!("sample `{key}` has class {label}, but there are {names} names");
            Err(DataError::layout(path, reason))
        }
        None => Ok(LabelledFiles::new(images, class_names)),
    }
}

fn conceptual(images: Vec<(StoredImage, (String, String))>) -> LabelledFiles {
    let mut names = BTreeMap::new();
    for (_, (concept, name)) in &images {
        names.entry(concept.clone()).or_insert_with(|| name.clone());
    }
    let labels: BTreeMap<_, _> = names.keys().cloned().zip(0..).collect();
    let images = images.into_iter().map(|(image, (concept, _))| (image, labels[&concept]));
    LabelledFiles::new(images.collect(), names.into_values().collect())
}

fn layout(shards: &[PathBuf], reason: &str) -> DataError {
    DataError::layout(shards.first().map_or(Path::new(""), PathBuf::as_path), reason)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::LabelledImages;
    use crate::testing::{Sample, picture, png, tar_bytes, write_shard};

    fn spec(folder: &Path) -> [String; 1] {
        [folder.to_string_lossy().into_owned()]
    }

    #[test]
    fn the_layout_of_clip_benchmark_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let test = folder.path().join("test");
        fs::create_dir(&test).unwrap();
        let (image, other) = (png(&picture(0)), png(&picture(1)));
        let members: [(&str, &[u8]); 4] =
            [("0.webp", &image), ("0.cls", b"1\n"), ("1.png", &other), ("1.cls", b"0")];
        fs::write(test.join("0.tar"), tar_bytes(&members)).unwrap();
        let message = || {
            LabelledFiles::shards(&spec(&test), &ShardOpener::default()).err().unwrap().to_string()
        };
        assert!(message().contains("no classnames.txt beside the shards"));
        fs::write(folder.path().join("classnames.txt"), "cat\n").unwrap();
        assert!(message().contains("sample `0` has class 1, but there are 1 names"));
        fs::write(folder.path().join("classnames.txt"), "cat\nred fox\n").unwrap();
        let images = LabelledFiles::shards(&spec(&test), &ShardOpener::default()).unwrap();
        assert_eq!((images.len(), images.class_names()[1].as_str()), (2, "red fox"));
        assert_eq!(images.labels(), [1, 0]);
        assert_eq!(images.image(0).unwrap(), picture(0));
        assert_eq!(images.image(1).unwrap(), picture(1));
    }

    #[test]
    fn concepts_are_classes_where_there_are_no_numbers() {
        let folder = tempfile::tempdir().unwrap();
        let samples: Vec<_> = [4, 1, 0].map(|number| Sample::drawing(number, 3)).into();
        write_shard(&folder.path().join("0.tar"), &samples);
        let images = LabelledFiles::shards(&spec(folder.path()), &ShardOpener::default()).unwrap();
        assert_eq!(images.class_names(), ["thing 0", "thing 1"]);
        assert_eq!(images.labels(), [1, 1, 0]);
    }

    #[test]
    fn samples_without_a_label_are_named() {
        let folder = tempfile::tempdir().unwrap();
        let image = png(&picture(0));
        for (member, problem) in [
            (("7.cls", b"cat".as_slice()), "its `cls` member is `cat`"),
            (("7.txt", b"a cat"), "it has no label"),
        ] {
            let bytes = tar_bytes(&[("7.png", &image), member]);
            fs::write(folder.path().join("0.tar"), bytes).unwrap();
            let error = LabelledFiles::shards(&spec(folder.path()), &ShardOpener::default())
                .err()
                .unwrap()
                .to_string();
            assert!(error.contains("sample `7`") && error.contains(problem), "{error}");
        }
    }
}
