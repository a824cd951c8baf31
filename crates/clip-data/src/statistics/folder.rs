//! Image files with texts beside them, as samples.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::stored::is_image_file;
use crate::{Cause, DataError, Fault, RawSample};

/// Extensions of the texts that may lie beside an image.
const TEXTS: [&str; 2] = ["txt", "json"];

/// The images in a folder and the folders in it, sorted. Folders that are links aren't followed.
pub(super) fn images_under(folder: &Path) -> Result<Vec<PathBuf>, DataError> {
    let mut images = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).map_err(|source| DataError::io(&folder, source))? {
            let entry = entry.map_err(|source| DataError::io(&folder, source))?;
            let path = entry.path();
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                folders.push(path);
            } else if is_image_file(&path) {
                images.push(path);
            }
        }
    }
    images.sort();
    Ok(images)
}

/// The sample of an image: the file and the texts beside it, of at most so many bytes each.
pub(super) fn sample_of(image: &Path, root: &Path, max_bytes: u64) -> Result<RawSample, Fault> {
    let key = image.strip_prefix(root).unwrap_or(image).with_extension("");
    let mut sample = RawSample {
        key: key.to_string_lossy().into_owned(),
        shard: Arc::from(root.to_string_lossy()),
        members: vec![],
    };
    let texts = TEXTS.iter().map(|text| image.with_extension(text)).filter(|text| text.is_file());
    for path in [image.to_owned()].into_iter().chain(texts) {
        let extension = path.extension().unwrap_or_default().to_string_lossy().to_lowercase();
        let bytes = read(&path, max_bytes)
            .map_err(|(cause, reason)| sample.fault(cause, format!("`{extension}`: {reason}")))?;
        sample.members.push((extension, bytes));
    }
    Ok(sample)
}

fn read(path: &Path, max_bytes: u64) -> Result<Vec<u8>, (Cause, String)> {
    let failed = |error: std::io::Error| (Cause::SourceFailed, error.to_string());
    let size = fs::metadata(path).map_err(failed)?.len();
    if size > max_bytes {
        let reason = format!("it holds {size} bytes, the limit is {max_bytes}");
        return Err((Cause::MemberTooLarge, reason));
    }
    fs::read(path).map_err(failed)
}
