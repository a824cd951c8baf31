//! The format of MNIST and its kin (LeCun et al. 1998).

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use flate2::read::MultiGzDecoder;

use super::LabelledPixels;
use super::pixels::Channels;
use crate::DataError;

/// An IDX file of bytes starts with two zeros, this, and the number of its dimensions.
const BYTES: u8 = 8;

impl LabelledPixels {
    /// Grey images of an IDX file and the labels of another, as they are or gzipped, with or without
    /// `.gz` after the given names: MNIST, Fashion-MNIST.
    ///
    /// # Errors
    ///
    /// When a file is missing, cut off or no IDX file, or the labels don't fit.
    pub fn idx(
        images: impl AsRef<Path>,
        labels: impl AsRef<Path>,
        class_names: Vec<String>,
    ) -> Result<Self, DataError> {
        let (path, dims, pixels) = read::<3>(images.as_ref())?;
        let (_, _, labels) = read::<1>(labels.as_ref())?;
        let [_, height, width] = dims;
        let labels = labels.into_iter().map(usize::from).collect();
        Self::new(&path, (pixels, [width, height], Channels::Grey), labels, class_names)
    }
}

/// The file that there is, its dimensions and its bytes.
fn read<const D: usize>(path: &Path) -> Result<(PathBuf, [u32; D], Vec<u8>), DataError> {
    let gzipped = PathBuf::from(format!("{}.gz", path.display()));
    let path = if !path.exists() && gzipped.exists() { gzipped } else { path.to_owned() };
    let mut bytes = fs::read(&path).map_err(|source| DataError::io(&path, source))?;
    if bytes.starts_with(&[0x1f, 0x8b]) {
        let mut unpacked = Vec::new();
        let result = MultiGzDecoder::new(&bytes[..]).read_to_end(&mut unpacked);
        result.map_err(|source| DataError::io(&path, source))?;
        bytes = unpacked;
    }
    let wrong = |reason: String| DataError::layout(&path, reason);
    let header = 4 + 4 * D;
    if bytes.len() < header || bytes[..4] != [0, 0, BYTES, D as u8] {
        return Err(wrong(format!("it is no IDX file of bytes with {D} dimensions")));
    }
    let dims: [u32; D] = std::array::from_fn(|dim| {
        let at = 4 + 4 * dim;
        u32::from_be_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
    });
    let values = dims.iter().try_fold(1usize, |values, dim| values.checked_mul(*dim as usize));
    let found = bytes.len() - header;
    if values != Some(found) {
        let reason = format!("its header says {dims:?}, but {found} bytes follow: get it again");
        return Err(wrong(reason));
    }
    Ok((path, dims, bytes.split_off(header)))
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;
    use crate::LabelledImages;

    fn idx(dims: &[u32], values: &[u8]) -> Vec<u8> {
        let sizes = dims.iter().flat_map(|dim| dim.to_be_bytes());
        [0, 0, 8, dims.len() as u8].into_iter().chain(sizes).chain(values.to_vec()).collect()
    }

    fn names() -> Vec<String> {
        ["cat", "fox"].map(str::to_owned).into()
    }

    #[test]
    fn images_are_read_plain_and_gzipped() {
        let folder = tempfile::tempdir().unwrap();
        let (images, labels) = (folder.path().join("images"), folder.path().join("labels"));
        let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
        gzip.write_all(&idx(&[2, 2, 3], &(0..12).collect::<Vec<u8>>())).unwrap();
        fs::write(folder.path().join("images.gz"), gzip.finish().unwrap()).unwrap();
        fs::write(&labels, idx(&[2], &[1, 0])).unwrap();
        let set = LabelledPixels::idx(&images, &labels, names()).unwrap();
        assert_eq!((set.labels(), set.class_names()[1].as_str()), (&[1, 0][..], "fox"));
        let image = set.image(1).unwrap().to_luma8();
        assert_eq!((image.width(), image.height(), image.get_pixel(2, 1).0), (3, 2, [11]));
    }

    #[test]
    fn what_is_wrong_with_a_file_is_said() {
        let folder = tempfile::tempdir().unwrap();
        let (images, labels) = (folder.path().join("images"), folder.path().join("labels"));
        let message = || LabelledPixels::idx(&images, &labels, names()).err().unwrap().to_string();
        assert!(message().contains("images") && message().contains("check that it exists"));
        fs::write(&images, idx(&[2, 2, 3], &[0; 11])).unwrap();
        assert!(message().contains("its header says [2, 2, 3], but 11 bytes follow"));
        fs::write(&images, idx(&[2, 2, 3], &[0; 12])).unwrap();
        fs::write(&labels, idx(&[2, 1], &[0, 1])).unwrap();
        assert!(message().contains("labels: it is no IDX file of bytes with 1 dimensions"));
        fs::write(&labels, idx(&[3], &[0, 1, 0])).unwrap();
        assert!(message().contains("images: it holds 2 images, and there are 3 labels"));
        fs::write(&labels, idx(&[2], &[0, 2])).unwrap();
        assert!(message().contains("image 1 has label 2 of 2 classes"));
    }
}
