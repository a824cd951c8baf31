//! SVHN's cropped digits (Netzer et al. 2011).

use std::path::Path;

use super::pixels::{Channels, interleave};
use super::{LabelledPixels, MatValue, Split, read_mat};
use crate::DataError;

/// Side of an image in pixels.
const SIDE: usize = 32;

impl LabelledPixels {
    /// Opens `test_32x32.mat` or `train_32x32.mat` in `folder`. The class of a digit is itself.
    ///
    /// # Errors
    ///
    /// When the file is missing, no MATLAB file, or holds something else.
    pub fn svhn(
        folder: impl AsRef<Path>,
        split: Split,
        class_names: Vec<String>,
    ) -> Result<Self, DataError> {
        let path = folder.as_ref().join(match split {
            Split::Train => "train_32x32.mat",
            Split::Test => "test_32x32.mat",
        });
        let variables = read_mat(&path)?;
        let wrong = |reason: &str| DataError::layout(&path, reason);
        let Some(MatValue::Bytes { dims, values }) = variables.get("X") else {
            return Err(wrong("it has no array `X` of bytes"));
        };
        if !matches!(dims[..], [SIDE, SIDE, 3, ..]) {
            return Err(wrong("its array `X` is not of 32 x 32 pixels with three colours"));
        }
        let labels = variables.get("y").and_then(MatValue::numbers);
        let labels = labels.ok_or_else(|| wrong("it has no array `y` of numbers"))?;
        // A zero is written as 10.
        let labels = labels.into_iter().map(|label| if label == 10.0 { 0 } else { label as usize });
        // Columns come before rows.
        let at = |channel, row, column| (channel * SIDE + column) * SIDE + row;
        let pixels = interleave(values, [SIDE, SIDE], at);
        Self::new(&path, (pixels, [SIDE as u32; 2], Channels::Rgb), labels.collect(), class_names)
    }
}
