//! SugarCrepe (Hsieh et al. 2023).

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::Path;

use serde::Deserialize;

use super::{SelectionExample, SelectionImages};
use crate::DataError;
use crate::stored::{StoredImage, folder_with};

/// Where the images are: CLIP_benchmark's folder, or the one that the authors propose.
const FOLDERS: [&str; 2] = ["val2017", "data/coco/images/val2017"];

#[derive(Deserialize)]
struct Entry {
    filename: String,
    caption: String,
    negative_caption: String,
}

impl SelectionImages {
    /// Opens a part of SugarCrepe, such as `add_att`: `data/add_att.json` (or `add_att.json`), with the
    /// images of COCO in `val2017`. Each example has one image, which the first caption is of; several
    /// examples may share it.
    ///
    /// # Errors
    ///
    /// When the file is missing or malformed, or an image is not there.
    pub fn sugar_crepe(folder: impl AsRef<Path>, part: &str) -> Result<Self, DataError> {
        let folder = folder.as_ref();
        let name = format!("{part}.json");
        let in_data = folder.join("data").join(&name);
        let list = if in_data.is_file() { in_data } else { folder.join(name) };
        let text = fs::read_to_string(&list).map_err(|source| DataError::io(&list, source))?;
        let entries: BTreeMap<String, Entry> = serde_json::from_str(&text).map_err(|error| {
            DataError::layout(&list, format!("it is malformed: {error}: get it again"))
        })?;
        let (mut images, mut examples, mut places) = (Vec::new(), Vec::new(), HashMap::new());
        for entry in entries.into_values() {
            let place = *places.entry(entry.filename.clone()).or_insert(images.len());
            if place == images.len() {
                let path = folder_with(folder, &FOLDERS, &entry.filename).join(&entry.filename);
                let put = "put the images of COCO's val2017.zip there";
                images.push(StoredImage::listed(&list, path, put)?);
            }
            let captions = [entry.caption, entry.negative_caption];
            examples.push(SelectionExample { images: vec![place], captions });
        }
        Self::new(&list, images, examples)
    }
}
