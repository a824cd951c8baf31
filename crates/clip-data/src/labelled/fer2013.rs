//! FER2013's table of pixels (Goodfellow et al. 2013).

use std::path::Path;

use serde::Deserialize;

use super::pixels::Channels;
use super::{LabelledPixels, Split};
use crate::DataError;

/// Side of an image in pixels.
const SIDE: usize = 48;

/// A line of the table. Of the two that there are, one has spaces in its header.
#[derive(Deserialize)]
struct Row {
    emotion: usize,
    #[serde(alias = " pixels")]
    pixels: String,
    #[serde(rename = "Usage", alias = " Usage")]
    usage: String,
}

impl LabelledPixels {
    /// Opens `fer2013.csv` or `icml_face_data.csv` in `folder`: the images for training, or both
    /// parts for testing (7,178), as CLIP_benchmark has them.
    ///
    /// # Errors
    ///
    /// When neither file is there, or a line has no 48 x 48 pixels.
    pub fn fer2013(
        folder: impl AsRef<Path>,
        split: Split,
        class_names: Vec<String>,
    ) -> Result<Self, DataError> {
        let files = ["fer2013.csv", "icml_face_data.csv"].map(|name| folder.as_ref().join(name));
        let path = files.iter().find(|path| path.exists()).unwrap_or(&files[0]);
        let wrong = |line: usize, problem: String| {
            DataError::layout(path, format!("line {line}: {problem}"))
        };
        let file = std::fs::File::open(path).map_err(|source| DataError::io(path, source))?;
        let (mut pixels, mut labels) = (Vec::new(), Vec::new());
        for (row, line) in csv::Reader::from_reader(file).into_deserialize::<Row>().zip(2..) {
            let row = row.map_err(|error| wrong(line, error.to_string()))?;
            if (row.usage == "Training") != (split == Split::Train) {
                continue;
            }
            let values: Result<Vec<u8>, _> =
                row.pixels.split_whitespace().map(str::parse).collect();
            match values {
                Ok(values) if values.len() == SIDE * SIDE => pixels.extend(values),
                _ => return Err(wrong(line, "it has no 48 x 48 pixels".into())),
            }
            labels.push(row.emotion);
        }
        let size = [SIDE as u32; 2];
        Self::new(path, (pixels, size, Channels::Grey), labels, class_names)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::LabelledImages;

    #[test]
    fn either_table_is_read() {
        let names = || vec!["angry".to_owned(), "happy".into()];
        let pixels = |shade: u8| vec![shade.to_string(); SIDE * SIDE].join(" ");
        for (file, header) in [
            ("fer2013.csv", "emotion,pixels,Usage"),
            ("icml_face_data.csv", "emotion, Usage, pixels"),
        ] {
            let folder = tempfile::tempdir().unwrap();
            let open = |split| LabelledPixels::fer2013(folder.path(), split, names());
            assert!(open(Split::Test).err().unwrap().to_string().contains("fer2013.csv"));
            let row = |label: usize, shade: u8, usage: &str| match file {
                "fer2013.csv" => format!("{label},{},{usage}\n", pixels(shade)),
                _ => format!("{label},{usage},{}\n", pixels(shade)),
            };
            let rows = [row(0, 1, "Training"), row(1, 2, "PublicTest"), row(0, 3, "PrivateTest")];
            let path = folder.path().join(file);
            fs::write(&path, format!("{header}\n{}", rows.concat())).unwrap();
            let set = open(Split::Test).unwrap();
            assert_eq!(set.labels(), [1, 0]);
            assert_eq!(set.image(1).unwrap().to_luma8().get_pixel(47, 47).0, [3]);
            assert_eq!(open(Split::Train).unwrap().labels(), [0]);
            fs::write(
                &path,
                format!("{header}\n{}", row(0, 1, "PublicTest").replace("1 1 1", "1")),
            )
            .unwrap();
            let error = open(Split::Test).err().unwrap().to_string();
            assert!(error.contains("line 2: it has no 48 x 48 pixels"), "{error}");
        }
    }
}
