//! Images with several captions each, for retrieval.

use std::fs;
use std::path::Path;

use image::DynamicImage;

use crate::captions::{malformed_json, texts_at};
use crate::shards::image_folder;
use crate::stored::{StoredImage, is_image_file, sorted_entries, whole_samples};
use crate::{
    CaptionFields, Captions, Cause, DEFAULT_MAX_PIXELS, DataError, RawSample, SampleText,
    ShardOpener,
};

/// The most keywords in the longer caption of a named sample: as many as a training caption has.
const KEYWORDS: usize = 3;

/// Images and their captions. Images are decoded when asked for.
pub struct EvalPairs {
    pairs: Vec<(StoredImage, Vec<String>)>,
}

impl EvalPairs {
    /// Pairs of shards, or of an image folder where `data` is one folder without shards.
    ///
    /// # Errors
    ///
    /// As [`from_shards`](Self::from_shards) and [`from_folder`](Self::from_folder).
    pub fn open(data: &[String], opener: &ShardOpener) -> Result<Self, DataError> {
        match image_folder(data) {
            Some(folder) => Self::from_folder(folder),
            None => Self::from_shards(data, opener),
        }
    }

    /// Reads shards (specs as in [`expand_shards`](crate::expand_shards)) through `opener` into
    /// memory, images still encoded.
    ///
    /// Each line of a `txt` member is a caption (CLIP_benchmark's layout). Without one, each string in
    /// the `json` member's list `captions` is; or else its `name` and, with keywords, `name,
    /// keyword, keyword, keyword`.
    ///
    /// # Errors
    ///
    /// When a shard is missing, broken or empty, or a sample has no image or no caption.
    pub fn from_shards(shards: &[String], opener: &ShardOpener) -> Result<Self, DataError> {
        let mut pairs = Vec::new();
        for sample in whole_samples(shards, opener)? {
            let sample = sample?;
            pairs.push((StoredImage::of_sample(&sample)?, sample_captions(&sample)?));
        }
        Ok(Self { pairs })
    }

    /// Lists a folder of images, each `NAME.png` (or another image format's ending) with a
    /// `NAME.txt` of one caption a line, or a `NAME.json` with a list `captions`.
    ///
    /// # Errors
    ///
    /// When the folder can't be read or has no images, or an image has no captions.
    pub fn from_folder(folder: impl AsRef<Path>) -> Result<Self, DataError> {
        let folder = folder.as_ref();
        let mut pairs = Vec::new();
        for file in sorted_entries(folder, is_image_file)? {
            let captions = captions_beside(&file)?;
            pairs.push((StoredImage::of_file(file), captions));
        }
        if pairs.is_empty() {
            let reason = "it has no images: add NAME.png and NAME.txt with one caption a line";
            return Err(DataError::layout(folder, reason));
        }
        Ok(Self { pairs })
    }

    /// Images that the file `list` names, with their captions.
    pub(super) fn listed(
        list: &Path,
        pairs: Vec<(StoredImage, Vec<String>)>,
    ) -> Result<Self, DataError> {
        if pairs.is_empty() {
            return Err(DataError::layout(list, "it lists no images to measure on"));
        }
        match pairs.iter().find(|(_, captions)| captions.is_empty()) {
            Some((image, _)) => {
                Err(DataError::layout(list, format!("`{}` has no captions", image.key)))
            }
            None => Ok(Self { pairs }),
        }
    }

    /// Number of images.
    pub fn len(&self) -> usize {
        self.pairs.len()
    }

    /// Whether there are no images, which opening a set rules out.
    pub fn is_empty(&self) -> bool {
        self.pairs.is_empty()
    }

    /// The image at `index`, in `0..len()`.
    ///
    /// # Errors
    ///
    /// When the index is past the end or the image can't be read.
    pub fn image(&self, index: usize) -> Result<DynamicImage, DataError> {
        self.pair(index)?.0.decode(DEFAULT_MAX_PIXELS)
    }

    /// Captions of the image at `index`, at least one.
    ///
    /// # Errors
    ///
    /// When the index is past the end.
    pub fn captions(&self, index: usize) -> Result<&[String], DataError> {
        Ok(&self.pair(index)?.1)
    }

    /// Key of the image at `index`.
    ///
    /// # Errors
    ///
    /// When the index is past the end.
    pub fn key(&self, index: usize) -> Result<&str, DataError> {
        Ok(&self.pair(index)?.0.key)
    }

    fn pair(&self, index: usize) -> Result<&(StoredImage, Vec<String>), DataError> {
        self.pairs.get(index).ok_or(DataError::OutOfRange { index, len: self.pairs.len() })
    }
}

/// The captions in the files that belong to an image's file.
fn captions_beside(image: &Path) -> Result<Vec<String>, DataError> {
    let read = |path: &Path| fs::read(path).map_err(|source| DataError::io(path, source));
    let (text, json) = (image.with_extension("txt"), image.with_extension("json"));
    let (captions, path, form) = if !text.exists() && json.exists() {
        let bytes = read(&json)?;
        let captions = listed(&bytes)
            .map_err(|error| DataError::layout(&json, format!("it is malformed: {error}")))?;
        (captions, json, "write a list `captions`")
    } else {
        (lines(&String::from_utf8_lossy(&read(&text)?)), text, "write one a line")
    };
    if captions.is_empty() {
        return Err(DataError::layout(path, format!("it has no captions: {form}")));
    }
    Ok(captions)
}

fn sample_captions(sample: &RawSample) -> Result<Vec<String>, DataError> {
    if let (None, Some(json)) = (sample.member("txt"), sample.member("json")) {
        let fault = |error| sample.fault(Cause::NoCaption, malformed_json(&error));
        let captions = listed(json).map_err(|error| DataError::Sample(fault(error)))?;
        if !captions.is_empty() {
            return Ok(captions);
        }
    }
    let text = SampleText::read(sample, &CaptionFields::default()).map_err(DataError::Sample)?;
    Ok(match text.captions {
        Captions::Named { name, keywords, .. } if keywords.is_empty() => vec![name],
        Captions::Named { name, keywords, .. } => {
            let keywords = &keywords[..keywords.len().min(KEYWORDS)];
            let longer = format!("{name}, {}", keywords.join(", "));
            vec![name, longer]
        }
        // Never empty: a blank text is no caption to `SampleText`.
        text => lines(text.main()),
    })
}

/// The strings in the list `captions` of a JSON text.
fn listed(json: &[u8]) -> Result<Vec<String>, serde_json::Error> {
    Ok(texts_at(&serde_json::from_slice(json)?, "captions"))
}

fn lines(text: &str) -> Vec<String> {
    text.lines().map(|line| line.trim().to_owned()).filter(|line| !line.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{picture, png, tar_bytes};

    #[test]
    fn shards_give_lines_or_name_and_keywords() {
        let folder = tempfile::tempdir().unwrap();
        let image = png(&picture(0));
        let json = br#"{"name": "cat", "keywords": ["pet", "fur", "paw", "purr"]}"#;
        let members: [(&str, &[u8]); 4] =
            [("a.png", &image), ("a.txt", b"One.\n\nTwo.\n"), ("b.png", &image), ("b.json", json)];
        std::fs::write(folder.path().join("0.tar"), tar_bytes(&members)).unwrap();
        let spec = folder.path().to_string_lossy().into_owned();
        let pairs = EvalPairs::from_shards(&[spec], &ShardOpener::default()).unwrap();
        assert_eq!((pairs.len(), pairs.key(1).unwrap()), (2, "b"));
        assert_eq!(pairs.captions(0).unwrap(), ["One.", "Two."]);
        assert_eq!(pairs.captions(1).unwrap(), ["cat", "cat, pet, fur, paw"]);
        assert_eq!(pairs.image(0).unwrap(), picture(0));
        assert!(matches!(pairs.image(2), Err(DataError::OutOfRange { index: 2, len: 2 })));
    }

    #[test]
    fn a_folder_needs_a_text_beside_each_image() {
        let folder = tempfile::tempdir().unwrap();
        let message = || EvalPairs::from_folder(folder.path()).err().unwrap().to_string();
        assert!(message().contains("it has no images"));
        fs::write(folder.path().join("cat.png"), png(&picture(2))).unwrap();
        assert!(message().contains("cat.txt"));
        fs::write(folder.path().join("cat.txt"), "\n").unwrap();
        assert!(message().contains("cat.txt: it has no captions"));
        fs::write(folder.path().join("cat.txt"), "A cat.\nA pet.").unwrap();
        let pairs = EvalPairs::from_folder(folder.path()).unwrap();
        assert_eq!(pairs.captions(0).unwrap(), ["A cat.", "A pet."]);
        assert_eq!((pairs.key(0).unwrap(), pairs.image(0).unwrap()), ("cat", picture(2)));
    }

    #[test]
    fn lists_of_captions_in_json_are_read() {
        let folder = tempfile::tempdir().unwrap();
        let image = png(&picture(0));
        let json = br#"{"captions": ["A cat.", " ", "A pet."], "name": "cat"}"#;
        let members: [(&str, &[u8]); 2] = [("a.png", &image), ("a.json", json)];
        let shard = folder.path().join("0.tar");
        let spec = [shard.to_string_lossy().into_owned()];
        fs::write(&shard, tar_bytes(&members)).unwrap();
        let pairs = EvalPairs::open(&spec, &ShardOpener::default()).unwrap();
        assert_eq!(pairs.captions(0).unwrap(), ["A cat.", "A pet."]);
        fs::remove_file(&shard).unwrap();
        for (name, bytes) in members {
            fs::write(folder.path().join(name), bytes).unwrap();
        }
        let pairs = EvalPairs::from_folder(folder.path()).unwrap();
        assert_eq!(pairs.captions(0).unwrap(), ["A cat.", "A pet."]);
        for (json, part) in [("{}", "write a list `captions`"), ("{", "it is malformed")] {
            fs::write(folder.path().join("a.json"), json).unwrap();
            let message = EvalPairs::from_folder(folder.path()).err().unwrap().to_string();
            assert!(message.contains("a.json") && message.contains(part), "{message}");
        }
    }
}
