//! The splits of Karpathy and Fei-Fei, "Deep Visual-Semantic Alignments" (2015).

use std::path::Path;

use serde::Deserialize;

use super::flickr::FOLDERS;
use super::{malformed, read, trimmed};
use crate::stored::{StoredImage, folder_with};
use crate::{DataError, EvalPairs};

pub(super) const FILES: [&str; 3] =
    ["dataset_coco.json", "dataset_flickr30k.json", "dataset_flickr8k.json"];

#[derive(Deserialize)]
struct Splits {
    images: Vec<Image>,
}

#[derive(Deserialize)]
struct Image {
    filename: String,
    /// COCO's folder; Flickr's images are all in one.
    #[serde(default)]
    filepath: Option<String>,
    split: String,
    sentences: Vec<Sentence>,
}

#[derive(Deserialize)]
struct Sentence {
    raw: String,
}

/// The images of the test split, in the order of the file.
pub(super) fn open(folder: &Path, name: &str) -> Result<EvalPairs, DataError> {
    let list = folder.join(name);
    let splits: Splits =
        serde_json::from_str(&read(&list)?).map_err(|error| malformed(&list, &error))?;
    let pairs = splits.images.into_iter().filter(|image| image.split == "test").map(|image| {
        let within = match &image.filepath {
            Some(within) => {
                folder_with(folder, &[within, &format!("images/{within}")], &image.filename)
            }
            None => folder_with(folder, &FOLDERS, &image.filename),
        };
        let path = within.join(&image.filename);
        let stored = StoredImage::listed(&list, path, "put the data set's images there")?;
        let captions = image.sentences.iter().filter_map(|sentence| trimmed(&sentence.raw));
        Ok((stored, captions.collect()))
    });
    EvalPairs::listed(&list, pairs.collect::<Result<_, DataError>>()?)
}
