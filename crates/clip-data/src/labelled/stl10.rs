//! STL-10 in its binary layout (Coates, Ng and Lee 2011).

use std::fs;
use std::path::Path;

use super::pixels::{Channels, interleave};
use super::{LabelledPixels, Split, in_words};
use crate::DataError;

/// Side of an image in pixels.
const SIDE: usize = 96;

impl LabelledPixels {
    /// Opens STL-10: `folder` holds `test_X.bin`, `test_y.bin` and `class_names.txt` (and the same of
    /// `train`), or has the folder `stl10_binary` that does.
    ///
    /// # Errors
    ///
    /// When a file is missing or the numbers of images, labels and names don't fit.
    pub fn stl10(folder: impl AsRef<Path>, split: Split) -> Result<Self, DataError> {
        let folder = folder.as_ref();
        let inner = folder.join("stl10_binary");
        let folder = if inner.is_dir() { inner } else { folder.to_owned() };
        let split = match split {
            Split::Train => "train",
            Split::Test => "test",
        };
        let read = |path: &Path| fs::read(path).map_err(|source| DataError::io(path, source));
        let path = folder.join(format!("{split}_X.bin"));
        let planes = read(&path)?;
        let image = 3 * SIDE * SIDE;
        if planes.len() % image != 0 {
            let reason = format!("{} bytes are no whole number of images", planes.len());
            return Err(DataError::layout(path, reason));
        }
        // Labels count from 1; a 0 becomes no class at all.
        let labels = read(&folder.join(format!("{split}_y.bin")))?;
        let labels = labels.into_iter().map(|label| usize::from(label.wrapping_sub(1))).collect();
        let names = folder.join("class_names.txt");
        let names = fs::read_to_string(&names).map_err(|source| DataError::io(names, source))?;
        let names = names.lines().filter(|line| !line.trim().is_empty()).map(in_words).collect();
        // Columns come before rows.
        let at = |channel, row, column| (channel * SIDE + column) * SIDE + row;
        let pixels = interleave(&planes, [SIDE, SIDE], at);
        Self::new(&path, (pixels, [SIDE as u32; 2], Channels::Rgb), labels, names)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::LabelledImages;

    #[test]
    fn columns_come_first_and_labels_count_from_one() {
        let folder = tempfile::tempdir().unwrap();
        let inner = folder.path().join("stl10_binary");
        fs::create_dir(&inner).unwrap();
        let plane = |channel: usize| {
            (0..SIDE * SIDE).map(move |at| (channel * 80 + at / SIDE + at % SIDE / 90) as u8)
        };
        let image: Vec<u8> = (0..3).flat_map(plane).collect();
        fs::write(inner.join("test_X.bin"), &image).unwrap();
        fs::write(inner.join("test_y.bin"), [2]).unwrap();
        fs::write(inner.join("class_names.txt"), "airplane\nbird\n").unwrap();
        let set = LabelledPixels::stl10(folder.path(), Split::Test).unwrap();
        assert_eq!((set.labels(), set.class_names().len()), (&[1][..], 2));
        assert_eq!(set.image(0).unwrap().to_rgb8().get_pixel(5, 92).0, [6, 86, 166]);

        let message =
            |split| LabelledPixels::stl10(folder.path(), split).err().unwrap().to_string();
        assert!(message(Split::Train).contains("train_X.bin"));
        fs::write(inner.join("test_y.bin"), [0]).unwrap();
        assert!(message(Split::Test).contains("image 0 has label 255 of 2 classes"));
        fs::write(inner.join("test_X.bin"), &image[1..]).unwrap();
        assert!(message(Split::Test).contains("no whole number of images"));
    }
}
