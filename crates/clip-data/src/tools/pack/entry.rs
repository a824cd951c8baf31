//! One image with its texts, before it is read.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::decode::is_image_extension;
use crate::{Cause, DataError, Fault, RawSample};

/// The most bytes of a caption file.
const MAX_TEXT_BYTES: u64 = 16 << 20;

/// One image with its texts.
pub(super) struct Entry {
    /// The table or folder that it comes from.
    pub place: Arc<str>,
    /// Where in there: a path, or a row.
    pub name: String,
    /// The image's path within the source, `None` where it has none.
    pub path: Option<PathBuf>,
    pub image: Content,
    /// Extension and content.
    pub texts: Vec<(String, Content)>,
}

/// A file's bytes, or where they are.
pub(super) enum Content {
    File(PathBuf),
    Bytes(Vec<u8>),
}

impl Entry {
    /// The key that the image's path makes; whether shards can have it, the writer knows.
    pub(super) fn key(&self) -> String {
        let Some(path) = &self.path else { return self.name.clone() };
        let stem = path.file_stem().unwrap_or_default().to_string_lossy().replace('.', "_");
        path.with_file_name(stem).to_string_lossy().into_owned()
    }

    pub(super) fn into_sample(self, key: String, limit: u64) -> Result<RawSample, Fault> {
        let fault = |(cause, reason)| Fault {
            cause,
            shard: self.place.to_string(),
            key: self.name.clone(),
            reason,
        };
        let named = self.path.as_deref().and_then(image_extension);
        let bytes = self.image.read(limit, Cause::NoImage).map_err(fault)?;
        let extension = match named.or_else(|| guessed_extension(&bytes)) {
            Some(extension) if !bytes.is_empty() => extension,
            Some(_) => return Err(fault((Cause::NoImage, "the image is empty".to_owned()))),
            None => {
                let reason = "neither its name nor its first bytes are those of an image we read";
                return Err(fault((Cause::Undecodable, reason.to_owned())));
            }
        };
        let mut members = vec![(extension, bytes)];
        for (extension, text) in self.texts {
            let bytes = text.read(MAX_TEXT_BYTES, Cause::NoCaption).map_err(fault)?;
            if bytes.trim_ascii().is_empty() {
                let reason = format!("its caption is empty: write one in its `{extension}`");
                return Err(fault((Cause::NoCaption, reason)));
            }
            members.push((extension, bytes));
        }
        Ok(RawSample { key, shard: self.place, members })
    }
}

impl Content {
    /// The bytes, at most `limit`; `missing` is the cause where there are none.
    fn read(self, limit: u64, missing: Cause) -> Result<Vec<u8>, (Cause, String)> {
        let path = match self {
            Self::File(path) => path,
            Self::Bytes(bytes) if bytes.len() as u64 > limit => {
                let reason = format!("it holds {} bytes, the limit is {limit}", bytes.len());
                return Err((Cause::MemberTooLarge, reason));
            }
            Self::Bytes(bytes) => return Ok(bytes),
        };
        let shown = path.display();
        let failed = |error: std::io::Error| (missing, format!("cannot read {shown}: {error}"));
        // Asked before it is opened: opening a pipe would wait for its writer.
        let found = path.metadata().map_err(failed)?;
        if !found.is_file() {
            return Err((missing, format!("{shown} is no regular file")));
        }
        let too_large = |size| {
            let reason = format!("{shown} holds {size} bytes, the limit is {limit}");
            (Cause::MemberTooLarge, reason)
        };
        if found.len() > limit {
            return Err(too_large(found.len()));
        }
        let mut bytes = Vec::with_capacity(found.len() as usize);
        // One byte more tells that the file has grown since.
        let file = File::open(&path).map_err(failed)?;
        file.take(limit + 1).read_to_end(&mut bytes).map_err(failed)?;
        if bytes.len() as u64 > limit { Err(too_large(bytes.len() as u64)) } else { Ok(bytes) }
    }
}

/// The extension of a path in lower case, where it is an image's.
pub(super) fn image_extension(path: &Path) -> Option<String> {
    let extension = path.extension()?.to_str()?.to_ascii_lowercase();
    is_image_extension(&extension).then_some(extension)
}

fn guessed_extension(bytes: &[u8]) -> Option<String> {
    let format = image::guess_format(bytes).ok()?;
    let known = format.extensions_str().iter().find(|extension| is_image_extension(extension));
    known.map(|extension| (*extension).to_owned())
}

/// The fault that an error stands for, when only one image is lost with it.
pub(super) fn reason_to_skip(error: DataError, source: &Path) -> Result<Fault, DataError> {
    match error {
        DataError::Sample(fault) => Ok(fault),
        DataError::Refused(refused) => {
            let reason = format!("{}, or number the samples", refused.problem);
            let shard = source.display().to_string();
            Ok(Fault { cause: Cause::BadName, shard, key: refused.key, reason })
        }
        fatal => Err(fatal),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{picture, png};

    fn entry(path: Option<&str>, image: Content) -> Entry {
        let texts = vec![("txt".to_owned(), Content::Bytes(b"a cat".to_vec()))];
        Entry {
            place: "t.csv".into(),
            name: "7".into(),
            path: path.map(PathBuf::from),
            image,
            texts,
        }
    }

    #[test]
    fn keys_keep_folders_and_lose_dots() {
        let key = |path| entry(Some(path), Content::Bytes(vec![])).key();
        assert_eq!(key("a.b/c.d.PNG"), "a.b/c_d");
        assert_eq!(key("c.png"), "c");
        assert_eq!(entry(None, Content::Bytes(vec![])).key(), "7");
    }

    #[test]
    fn images_without_a_telling_name_are_known_by_their_bytes() {
        let extension = |path, bytes| {
            let sample = entry(path, Content::Bytes(bytes)).into_sample("k".into(), 1_000);
            sample.map(|sample| sample.members[0].0.clone()).map_err(|fault| fault.cause)
        };
        assert_eq!(extension(Some("a.JPEG"), vec![1]).unwrap(), "jpeg");
        assert_eq!(extension(Some("a"), png(&picture(1))).unwrap(), "png");
        assert_eq!(extension(None, png(&picture(1))).unwrap(), "png");
        assert_eq!(extension(None, b"text".to_vec()), Err(Cause::Undecodable));
        assert_eq!(extension(Some("a.png"), vec![]), Err(Cause::NoImage));
        assert_eq!(extension(Some("a.png"), vec![0; 1_001]), Err(Cause::MemberTooLarge));
    }

    #[test]
    fn files_are_read_up_to_the_limit_and_folders_never() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.png");
        std::fs::write(&path, [0; 10]).unwrap();
        let read = |path: &Path, limit| {
            Content::File(path.to_owned()).read(limit, Cause::NoImage).map_err(|(cause, _)| cause)
        };
        assert_eq!(read(&path, 10).unwrap().len(), 10);
        assert_eq!(read(&path, 9), Err(Cause::MemberTooLarge));
        assert_eq!(read(folder.path(), 9), Err(Cause::NoImage));
        assert_eq!(read(&folder.path().join("b.png"), 9), Err(Cause::NoImage));
    }
}
