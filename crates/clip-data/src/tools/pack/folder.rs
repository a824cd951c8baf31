//! Images in a folder with their texts beside them.

use std::path::Path;
use std::sync::Arc;

use walkdir::{DirEntry, WalkDir};

use super::entry::{Content, Entry, image_extension};
use crate::{Cause, DataError, Fault};

/// The files whose content goes with an image, by extension.
const TEXTS: [&str; 3] = ["txt", "json", "cls"];

pub(super) fn entries(folder: &Path) -> impl Iterator<Item = Result<Entry, DataError>> + 'static {
    let place: Arc<str> = folder.to_string_lossy().into();
    let folder = folder.to_owned();
    let walk = WalkDir::new(&folder).follow_links(true).sort_by_file_name().into_iter();
    walk.filter_entry(is_visible).filter_map(move |found| {
        let found = match found {
            Ok(found) => found,
            Err(error) => return Some(Err(DataError::io(&folder, error.into()))),
        };
        let is_image = found.file_type().is_file() && image_extension(found.path()).is_some();
        is_image.then(|| entry(&folder, &place, found.path()).map_err(DataError::Sample))
    })
}

/// The folder itself may be named as it will.
fn is_visible(entry: &DirEntry) -> bool {
    entry.depth() == 0 || !entry.file_name().as_encoded_bytes().starts_with(b".")
}

fn entry(folder: &Path, place: &Arc<str>, image: &Path) -> Result<Entry, Fault> {
    let path = image.strip_prefix(folder).unwrap_or(image).to_owned();
    let name = path.to_string_lossy().into_owned();
    let beside = TEXTS.map(|extension| (extension, image.with_extension(extension)));
    let texts: Vec<_> = beside
        .into_iter()
        .filter(|(_, text)| text.is_file())
        .map(|(extension, text)| (extension.to_owned(), Content::File(text)))
        .collect();
    if texts.is_empty() {
        let reason = "it has no caption: put a .txt, .json or .cls file of its name beside it";
        let (shard, reason) = (place.to_string(), reason.to_owned());
        return Err(Fault { cause: Cause::NoCaption, shard, key: name, reason });
    }
    let (place, image) = (place.clone(), Content::File(image.to_owned()));
    Ok(Entry { place, name, path: Some(path), image, texts })
}
