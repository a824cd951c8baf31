//! A folder of images with their texts beside them.

use std::collections::HashSet;
use std::ffi::OsStr;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use walkdir::{DirEntry, WalkDir};

use super::PairSource;
use super::file::read_file;
use super::source::past_the_end;
use crate::decode::is_image_extension;
use crate::{CaptionDraw, Cause, DataError, Fault, RawPair, RawSample};

/// The files whose content goes with an image, by extension.
const TEXTS: [&str; 3] = ["txt", "json", "cls"];

/// Images `NAME.png` (or `.jpg`, `.jpeg`, `.webp`) in a folder and those within, sorted by path,
/// each with its text in `NAME.txt`, `NAME.json` or both, as the members of a shard have it.
///
/// Names that start with a dot are passed over. Files are read when asked for; an image without a
/// text is a fault then.
pub struct FolderPairs {
    folder: PathBuf,
    name: String,
    /// Paths within the folder.
    images: Vec<PathBuf>,
    captions: CaptionDraw,
}

impl FolderPairs {
    /// Lists the images; `captions` says what of their texts is used.
    ///
    /// # Errors
    ///
    /// When a folder can't be read or there is no image, or none that has a text.
    pub fn open(folder: impl AsRef<Path>, captions: &CaptionDraw) -> Result<Self, DataError> {
        let folder = folder.as_ref();
        let (mut images, mut texts) = (Vec::new(), HashSet::new());
        let walk = WalkDir::new(folder).follow_links(true).sort_by_file_name();
        for entry in walk.into_iter().filter_entry(is_visible) {
            let entry = match entry {
                Err(error) if is_gone(&error) => continue,
                entry => entry.map_err(|error| DataError::io(folder, error.into()))?,
            };
            let path = entry.path();
            let Some(extension) = path.extension().and_then(OsStr::to_str) else { continue };
            if is_image_extension(extension) && entry.file_type().is_file() {
                images.push(path.strip_prefix(folder).unwrap_or(path).to_owned());
            } else if TEXTS.contains(&extension) {
                texts.insert(path.with_extension(""));
            }
        }
        let has_text = |image: &PathBuf| texts.contains(&folder.join(image).with_extension(""));
        let problem = if images.is_empty() {
            "it has no PNG, JPEG or WebP file, and no shard"
        } else if !images.iter().any(has_text) {
            "no image has a text"
        } else {
            let (folder, name) = (folder.to_owned(), folder.to_string_lossy().into_owned());
            return Ok(Self { folder, name, images, captions: captions.clone() });
        };
        let form = "put NAME.txt with a caption, or NAME.json, beside each NAME.png";
        Err(DataError::layout(folder, format!("{problem}: {form}")))
    }

    /// The image's file and its texts as a shard's members.
    fn sample(&self, image: &Path) -> Result<RawSample, Fault> {
        let key = image.with_extension("").to_string_lossy().into_owned();
        let mut sample = RawSample { key, shard: self.name.as_str().into(), members: Vec::new() };
        let path = self.folder.join(image);
        for extension in TEXTS {
            let text = path.with_extension(extension);
            if text.is_file() {
                let bytes = read_file(&text, Cause::NoCaption);
                let bytes = bytes.map_err(|(cause, reason)| sample.fault(cause, reason))?;
                sample.members.push((extension.to_owned(), bytes));
            }
        }
        let bytes = read_file(&path, Cause::NoImage);
        let bytes = bytes.map_err(|(cause, reason)| sample.fault(cause, reason))?;
        let extension = path.extension().map(OsStr::to_ascii_lowercase).unwrap_or_default();
        sample.members.push((extension.to_string_lossy().into_owned(), bytes));
        Ok(sample)
    }
}

impl PairSource for FolderPairs {
    fn len(&self) -> usize {
        self.images.len()
    }

    fn get(&self, index: usize) -> Result<RawPair, Fault> {
        let image = self.images.get(index).ok_or_else(|| past_the_end(self, index))?;
        RawPair::of_sample(&self.sample(image)?, &self.captions)
    }

    fn name(&self) -> &str {
        &self.name
    }
}

/// The folder itself may be named as it will.
fn is_visible(entry: &DirEntry) -> bool {
    entry.depth() == 0 || !entry.file_name().as_encoded_bytes().starts_with(b".")
}

/// Whether the path leads nowhere: a link whose file was removed, say.
fn is_gone(error: &walkdir::Error) -> bool {
    let reason = error.io_error().map(std::io::Error::kind);
    error.depth() > 0 && reason == Some(ErrorKind::NotFound)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::testing::{picture, png};
    use crate::{Captions, PairImage};

    /// A folder with these files.
    fn folder_of(files: &[(&str, &[u8])]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (name, bytes) in files {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, bytes).unwrap();
        }
        folder
    }

    #[test]
    fn images_of_nested_folders_come_sorted_with_their_texts() {
        let image = png(&picture(0));
        let json = br#"{"name": "dog", "concept": "d"}"#;
        let folder = folder_of(&[
            ("b/2.PNG", &image),
            ("b/2.json", json),
            ("b/10.v2.png", &image),
            ("b/10.v2.txt", b"Ten.\n"),
            ("a.jpg", b"no image"),
            ("b/.hidden.png", &image),
            (".cache/a.png", &image),
            ("notes.md", b""),
        ]);
        let pairs = FolderPairs::open(folder.path(), &CaptionDraw::default()).unwrap();
        assert_eq!(pairs.images, ["a.jpg", "b/10.v2.png", "b/2.PNG"].map(PathBuf::from));
        let second = pairs.get(1).unwrap();
        assert_eq!((second.key.as_str(), second.concept), ("b/10.v2", None));
        assert_eq!(second.captions, Captions::Text("Ten.".into()));
        assert_eq!(second.image, PairImage::Encoded(image));
        let third = pairs.get(2).unwrap();
        assert_eq!((third.captions.main(), third.concept.as_deref()), ("dog", Some("d")));
        let fault = pairs.get(0).unwrap_err();
        assert_eq!((fault.cause, fault.key.as_str()), (Cause::NoCaption, "a"));
        assert_eq!(pairs.get(3).unwrap_err().cause, Cause::SourceFailed);
        fs::remove_file(folder.path().join("b/2.PNG")).unwrap();
        assert_eq!(pairs.get(2).unwrap_err().cause, Cause::NoImage);
    }

    #[cfg(unix)]
    #[test]
    fn links_are_followed_but_not_in_circles_or_to_nowhere() {
        use std::os::unix::fs::symlink;
        let other = folder_of(&[("1.png", b""), ("1.txt", b"One.")]);
        let folder = folder_of(&[("0.png", b"")]);
        symlink(other.path(), folder.path().join("linked")).unwrap();
        symlink("nowhere", folder.path().join("2.png")).unwrap();
        let pairs = FolderPairs::open(folder.path(), &CaptionDraw::default()).unwrap();
        assert_eq!(pairs.images, ["0.png", "linked/1.png"].map(PathBuf::from));
        symlink(folder.path(), other.path().join("circle")).unwrap();
        let error = FolderPairs::open(folder.path(), &CaptionDraw::default()).err().unwrap();
        assert!(error.to_string().contains("circle"), "{error}");
    }

    #[test]
    fn folders_without_images_or_texts_are_explained() {
        let message = |files: &[(&str, &[u8])]| {
            let folder = folder_of(files);
            FolderPairs::open(folder.path(), &CaptionDraw::default()).err().unwrap().to_string()
        };
        assert!(message(&[]).contains("it has no PNG, JPEG or WebP file"));
        assert!(message(&[("a.png", b""), ("b.txt", b"")]).contains("put NAME.txt"));
    }
}
