//! Captions in MS COCO's JSON (Chen et al. 2015).

use std::collections::HashMap;
use std::path::Path;

use serde::Deserialize;

use super::{malformed, read, trimmed};
use crate::stored::{StoredImage, folder_with};
use crate::{DataError, EvalPairs};

/// CLIP_benchmark's file of Karpathy's split, with the folder of its images.
pub(super) const SPLITS: [(&str, &str); 1] = [("coco_test_karpathy.json", "val2014")];

/// COCO's own files, with the folders of their images.
pub(super) const WHOLE: [(&str, &str); 2] = [
    ("annotations/captions_val2017.json", "val2017"),
    ("annotations/captions_val2014.json", "val2014"),
];

#[derive(Deserialize)]
struct Annotations {
    images: Vec<Image>,
    annotations: Vec<Annotation>,
}

#[derive(Deserialize)]
struct Image {
    id: u64,
    file_name: String,
}

#[derive(Deserialize)]
struct Annotation {
    image_id: u64,
    caption: String,
}

/// Images in the order of the file, each with its captions in theirs.
pub(super) fn open(folder: &Path, (name, images): (&str, &str)) -> Result<EvalPairs, DataError> {
    let list = folder.join(name);
    let Annotations { images: named, annotations } =
        serde_json::from_str(&read(&list)?).map_err(|error| malformed(&list, &error))?;
    let mut captions: HashMap<u64, Vec<String>> = HashMap::new();
    for annotation in annotations {
        captions.entry(annotation.image_id).or_default().extend(trimmed(&annotation.caption));
    }
    let first = named.first().map_or("", |image| image.file_name.as_str());
    let within = folder_with(folder, &[images, &format!("images/{images}")], first);
    let put = format!("put the images of COCO's {images}.zip there");
    let pairs = named.into_iter().map(|image| {
        let stored = StoredImage::listed(&list, within.join(&image.file_name), &put)?;
        Ok((stored, captions.remove(&image.id).unwrap_or_default()))
    });
    EvalPairs::listed(&list, pairs.collect::<Result<_, DataError>>()?)
}
