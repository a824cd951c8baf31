//! Winoground (Thrush et al. 2022).

use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::{SelectionExample, SelectionImages};
use crate::DataError;
use crate::stored::{StoredImage, folder_with};

#[derive(Deserialize)]
struct Line {
    image_0: String,
    image_1: String,
    caption_0: String,
    caption_1: String,
}

impl SelectionImages {
    /// Opens Winoground: `data/examples.jsonl` (or `examples.jsonl`), with the images of `images.zip`
    /// in the folder `images` beside it. Each example has two images.
    ///
    /// # Errors
    ///
    /// When the file is missing or malformed, or an image is not there.
    pub fn winoground(folder: impl AsRef<Path>) -> Result<Self, DataError> {
        let folder = folder.as_ref();
        let in_data = folder.join("data/examples.jsonl");
        let list = if in_data.is_file() { in_data } else { folder.join("examples.jsonl") };
        let text = fs::read_to_string(&list).map_err(|source| DataError::io(&list, source))?;
        let (mut images, mut examples) = (Vec::new(), Vec::new());
        for (number, line) in (1..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty()) {
            let line: Line = serde_json::from_str(line).map_err(|error| {
                DataError::layout(&list, format!("line {number}: {error}: get it again"))
            })?;
            let captions = [line.caption_0, line.caption_1];
            examples
                .push(SelectionExample { images: vec![images.len(), images.len() + 1], captions });
            for name in [&line.image_0, &line.image_1] {
                let put = "unpack Winoground's images.zip there";
                images.push(StoredImage::listed(&list, image_path(folder, name), put)?);
            }
        }
        Self::new(&list, images, examples)
    }
}

/// Names are published without their ending, `ex_0_img_0`.
fn image_path(folder: &Path, name: &str) -> PathBuf {
    let name = if name.ends_with(".png") { name.to_owned() } else { format!("{name}.png") };
    folder_with(folder, &["data/images", "images"], &name).join(name)
}
