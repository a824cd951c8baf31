//! Flickr8k (Hodosh et al. 2013) and Flickr30k (Young et al. 2014) in text files.

use std::collections::HashMap;
use std::path::Path;

use super::{read, trimmed};
use crate::stored::{StoredImage, folder_with};
use crate::{DataError, EvalPairs};

/// The folders that the images are published in, or laid into by others.
pub(super) const FOLDERS: [&str; 5] =
    ["flickr30k-images", "flickr30k_images", "Flicker8k_Dataset", "Images", "images"];

/// CLIP_benchmark's files of Karpathy's splits: `NAME.jpg,CAPTION` after a first line.
pub(super) const TABLES: [&str; 2] = ["flickr30k_test_karpathy.txt", "flickr8k_test_karpathy.txt"];

/// The authors' files of captions, `NAME.jpg#0<TAB>CAPTION`, and the lists of images to measure on.
pub(super) const TOKENS: [(&str, &str); 3] = [
    ("Flickr8k.token.txt", "Flickr_8k.testImages.txt"),
    ("Flickr8k_text/Flickr8k.token.txt", "Flickr8k_text/Flickr_8k.testImages.txt"),
    ("results_20130124.token", "test.txt"),
];

/// The images that a list names, with the captions of a file of all captions.
pub(super) fn tokens(folder: &Path, (tokens, list): (&str, &str)) -> Result<EvalPairs, DataError> {
    let (tokens, list) = (folder.join(tokens), folder.join(list));
    let text = read(&tokens)?;
    let mut captions: HashMap<&str, Vec<String>> = HashMap::new();
    for (number, line) in lines(&text) {
        let parts = line.split_once('\t').and_then(|(key, caption)| {
            let (image, _) = key.rsplit_once('#')?;
            Some((image, caption))
        });
        let (image, caption) = parts.ok_or_else(|| {
            let reason = format!("line {number} is not `NAME.jpg#0`, a tab and a caption");
            DataError::layout(&tokens, reason)
        })?;
        captions.entry(image).or_default().extend(trimmed(caption));
    }
    let names = read(&list)?;
    // Flickr30k Entities lists names without their ending.
    let file = |name: &str| match name.ends_with(".jpg") {
        true => name.to_owned(),
        false => format!("{name}.jpg"),
    };
    let pairs = lines(&names).map(|(_, name)| {
        let name = file(name.trim());
        let captions = captions.remove(name.as_str()).unwrap_or_default();
        (name, captions)
    });
    stored(folder, &list, pairs.collect())
}

/// The images of a table, in the order in which it first names them.
pub(super) fn table(folder: &Path, name: &str) -> Result<EvalPairs, DataError> {
    let list = folder.join(name);
    let text = read(&list)?;
    let (mut pairs, mut places) = (Vec::<(String, Vec<String>)>::new(), HashMap::new());
    for (number, line) in lines(&text).skip(1) {
        let (image, caption) = line.split_once(".jpg,").ok_or_else(|| {
            DataError::layout(&list, format!("line {number} is not `NAME.jpg,` and a caption"))
        })?;
        let place = *places.entry(image).or_insert(pairs.len());
        if place == pairs.len() {
            pairs.push((format!("{image}.jpg"), Vec::new()));
        }
        pairs[place].1.extend(trimmed(caption));
    }
    stored(folder, &list, pairs)
}

/// Numbered lines that are not blank.
fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    (1..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty())
}

fn stored(
    folder: &Path,
    list: &Path,
    pairs: Vec<(String, Vec<String>)>,
) -> Result<EvalPairs, DataError> {
    let first = pairs.first().map_or("", |(name, _)| name.as_str());
    let within = folder_with(folder, &FOLDERS, first);
    let pairs = pairs.into_iter().map(|(name, captions)| {
        let put = "put the data set's images there";
        Ok((StoredImage::listed(list, within.join(name), put)?, captions))
    });
    EvalPairs::listed(list, pairs.collect::<Result<_, DataError>>()?)
}
