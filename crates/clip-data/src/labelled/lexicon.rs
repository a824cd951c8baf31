//! Images of words with lists of words that each may be.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use image::DynamicImage;

use super::{MatValue, Split, read_mat};
use crate::stored::StoredImage;
use crate::{DEFAULT_MAX_PIXELS, DataError};

/// Images of words. Images are decoded when asked for.
pub struct LexiconImages {
    images: Vec<StoredImage>,
    words: Vec<String>,
    truth: Vec<usize>,
    small: Vec<Vec<usize>>,
    medium: Vec<Vec<usize>>,
}

/// Which words an image's word is looked for among.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lexicon {
    /// 50 words.
    Small,
    /// 1,000 words.
    Medium,
}

impl LexiconImages {
    /// Opens IIIT5K-words (Mishra et al. 2012): `testdata.mat` (or `traindata.mat`) with the images in
    /// `test` (or `train`), in `folder` or in its `IIIT5K`.
    ///
    /// Words that differ in upper and lower case only are one, as in the authors' evaluation.
    ///
    /// # Errors
    ///
    /// When the file is missing or holds something else, or an image is not there.
    pub fn iiit5k(folder: impl AsRef<Path>, split: Split) -> Result<Self, DataError> {
        let name = match split {
            Split::Train => "traindata",
            Split::Test => "testdata",
        };
        let (folder, file) = (folder.as_ref(), format!("{name}.mat"));
        let inner = folder.join("IIIT5K");
        let folder = if inner.join(&file).is_file() { inner } else { folder.to_owned() };
        let list = folder.join(file);
        let variables = read_mat(&list)?;
        let Some(MatValue::Structs(entries)) = variables.get(name) else {
            return Err(DataError::layout(list, format!("it has no structures `{name}`")));
        };
        if entries.is_empty() {
            return Err(DataError::layout(list, "it lists no images"));
        }
        let (mut images, mut words) = (Vec::new(), Words::default());
        let (mut truth, mut small, mut medium) = (Vec::new(), Vec::new(), Vec::new());
        for (number, entry) in (1..).zip(entries) {
            let missing = |field: &str| {
                DataError::layout(&list, format!("image {number} has no `{field}`: get it again"))
            };
            let text =
                |field| entry.get(field).and_then(MatValue::text).ok_or_else(|| missing(field));
            let put = "unpack all of the data set's archive";
            images.push(StoredImage::listed(&list, folder.join(text("ImgName")?), put)?);
            truth.push(words.number(text("GroundTruth")?));
            let mut lexicon = |field| words.list(entry, field).ok_or_else(|| missing(field));
            small.push(lexicon("smallLexi")?);
            medium.push(lexicon("mediumLexi")?);
        }
        Ok(Self { images, words: words.words, truth, small, medium })
    }

    /// The image at `index`, in `0..truth().len()`.
    ///
    /// # Errors
    ///
    /// When the index is past the end or the image can't be read.
    pub fn image(&self, index: usize) -> Result<DynamicImage, DataError> {
        let out_of_range = || DataError::OutOfRange { index, len: self.images.len() };
        self.images.get(index).ok_or_else(out_of_range)?.decode(DEFAULT_MAX_PIXELS)
    }

    /// All distinct words of all images and lexicons.
    pub fn words(&self) -> &[String] {
        &self.words
    }

    /// Each image's word, as an index into `words()`.
    pub fn truth(&self) -> &[usize] {
        &self.truth
    }

    /// Each image's lexicon, as distinct indices into `words()`. It should have the image's word, but
    /// nothing makes sure of that.
    pub fn lexicons(&self, lexicon: Lexicon) -> &[Vec<usize>] {
        match lexicon {
            Lexicon::Small => &self.small,
            Lexicon::Medium => &self.medium,
        }
    }
}

/// Words with their numbers.
#[derive(Default)]
struct Words {
    words: Vec<String>,
    /// By the word in lower case.
    numbers: HashMap<String, usize>,
}

impl Words {
    /// The number of a word, which is a new one the first time.
    fn number(&mut self, word: &str) -> usize {
        let next = self.words.len();
        let number = *self.numbers.entry(word.to_lowercase()).or_insert(next);
        if number == next {
            self.words.push(word.to_owned());
        }
        number
    }

    /// The distinct numbers of the texts in a field, which must have some.
    fn list(&mut self, entry: &BTreeMap<String, MatValue>, field: &str) -> Option<Vec<usize>> {
        let Some(MatValue::Cells(cells)) = entry.get(field) else { return None };
        let texts: Vec<&str> = cells.iter().map(MatValue::text).collect::<Option<_>>()?;
        let mut numbers: Vec<usize> = texts.into_iter().map(|word| self.number(word)).collect();
        numbers.sort_unstable();
        numbers.dedup();
        (!numbers.is_empty()).then_some(numbers)
    }
}

#[cfg(test)]
mod tests;
