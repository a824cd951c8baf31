//! MS COCO, Flickr30k and Flickr8k in the files that they are published in.

mod coco;
mod flickr;
mod karpathy;
#[cfg(test)]
mod tests;

use std::fs;
use std::path::Path;

use crate::{DataError, EvalPairs};

impl EvalPairs {
    /// The images to measure on of MS COCO, Flickr30k or Flickr8k in `folder`, by the first of these
    /// that is there:
    ///
    /// 1. `dataset_coco.json`, `dataset_flickr30k.json` or `dataset_flickr8k.json`, the splits of
    ///    Karpathy and Fei-Fei (2015), with the images in `val2014`, `flickr30k-images` or
    ///    `Flicker8k_Dataset`: the test sets of 5,000 and 1,000 images that papers report;
    /// 2. CLIP_benchmark's files of the same splits, `coco_test_karpathy.json` with `val2014`, and
    ///    `flickr30k_test_karpathy.txt` or `flickr8k_test_karpathy.txt`;
    /// 3. Flickr8k's own `Flickr8k.token.txt` with `Flickr_8k.testImages.txt`, and Flickr30k's own
    ///    `results_20130124.token` with `test.txt` of Flickr30k Entities;
    /// 4. MS COCO's own `annotations/captions_val2017.json` or `annotations/captions_val2014.json`,
    ///    with `val2017` or `val2014`.
    ///
    /// # Errors
    ///
    /// When there is none of them, it is malformed, or an image is not there.
    pub fn published(folder: impl AsRef<Path>) -> Result<Self, DataError> {
        let folder = folder.as_ref();
        let there = |name: &str| folder.join(name).is_file();
        let of_coco = |files: &[(&'static str, &'static str)]| {
            files.iter().copied().find(|(name, _)| there(name))
        };
        if let Some(name) = karpathy::FILES.into_iter().find(|name| there(name)) {
            return karpathy::open(folder, name);
        }
        if let Some(file) = of_coco(&coco::SPLITS) {
            return coco::open(folder, file);
        }
        if let Some(name) = flickr::TABLES.into_iter().find(|name| there(name)) {
            return flickr::table(folder, name);
        }
        if let Some(files) = flickr::TOKENS.into_iter().find(|(tokens, _)| there(tokens)) {
            return flickr::tokens(folder, files);
        }
        if let Some(file) = of_coco(&coco::WHOLE) {
            return coco::open(folder, file);
        }
        let reason = format!(
            "it has no captions that are read here: put shards, or images with texts, into `test`; \
             or put one of {} beside the images",
            karpathy::FILES.join(", ")
        );
        Err(DataError::layout(folder, reason))
    }
}

fn read(path: &Path) -> Result<String, DataError> {
    fs::read_to_string(path).map_err(|source| DataError::io(path, source))
}

fn malformed(path: &Path, error: &serde_json::Error) -> DataError {
    DataError::layout(path, format!("it is malformed: {error}: get it again"))
}

/// A caption without the white space around it, if there is anything.
fn trimmed(caption: &str) -> Option<String> {
    let caption = caption.trim();
    (!caption.is_empty()).then(|| caption.to_owned())
}
