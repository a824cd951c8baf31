//! Encoded images of an evaluation set, decoded when asked for.

use std::ffi::OsStr;
use std::fs;
use std::iter;
use std::path::{Path, PathBuf};

use image::DynamicImage;

use crate::decode::{image_member, is_image_extension};
use crate::{
    DEFAULT_MAX_MEMBER_BYTES, DataError, Fault, Location, RawSample, ShardOpener, ShardReader,
    decode_image, expand_shards,
};

/// One encoded image, in memory or in a file.
pub(crate) struct StoredImage {
    /// The shard or folder, for messages.
    place: String,
    /// The sample's key or the file's name without its extension.
    pub key: String,
    source: Source,
}

enum Source {
    Bytes(Vec<u8>),
    File(PathBuf),
}

impl StoredImage {
    /// Keeps the image of a sample, still encoded.
    pub(crate) fn of_sample(sample: &RawSample) -> Result<Self, DataError> {
        let bytes = image_member(sample).map_err(DataError::Sample)?.to_vec();
        let (place, key) = (sample.shard.to_string(), sample.key.clone());
        Ok(Self { place, key, source: Source::Bytes(bytes) })
    }

    /// Remembers where the image is.
    pub(crate) fn of_file(path: PathBuf) -> Self {
        let text = |part: Option<&OsStr>| {
            part.map(|part| part.to_string_lossy().into_owned()).unwrap_or_default()
        };
        let (place, key) = (text(path.parent().map(Path::as_os_str)), text(path.file_stem()));
        Self { place, key, source: Source::File(path) }
    }

    /// Remembers where an image is that the file `list` names. When it is not there, `put` says where
    /// to get it and what else to do.
    pub(crate) fn listed(list: &Path, path: PathBuf, put: &str) -> Result<Self, DataError> {
        if path.is_file() {
            return Ok(Self::of_file(path));
        }
        let reason = format!("it names {}, which is not there: {put}", path.display());
        Err(DataError::layout(list, reason))
    }

    /// Reads and decodes the image.
    pub(crate) fn decode(&self, max_pixels: u64) -> Result<DynamicImage, DataError> {
        let decoded = match &self.source {
            Source::Bytes(bytes) => decode_image(bytes, max_pixels),
            Source::File(path) => {
                let bytes = fs::read(path).map_err(|source| DataError::io(path, source))?;
                decode_image(&bytes, max_pixels)
            }
        };
        decoded.map_err(|problem| {
            let (cause, reason) = (problem.cause(), problem.to_string());
            let (shard, key) = (self.place.clone(), self.key.clone());
            DataError::Sample(Fault { cause, shard, key, reason })
        })
    }
}

/// Every sample of the shards, in order; a fault is an error, for a test set must be whole.
pub(crate) fn whole_samples(
    shards: &[String],
    opener: &ShardOpener,
) -> Result<impl Iterator<Item = Result<RawSample, DataError>>, DataError> {
    let samples_of =
        move |shard: Location| -> Box<dyn Iterator<Item = Result<RawSample, DataError>>> {
            match ShardReader::open(&shard, opener, DEFAULT_MAX_MEMBER_BYTES) {
                Ok(reader) => Box::new(reader.map(|sample| sample.map_err(DataError::Sample))),
                Err(error) => Box::new(iter::once(Err(error))),
            }
        };
    Ok(expand_shards(shards)?.into_iter().flat_map(samples_of))
}

/// The files or folders in a folder, sorted, that `keep` keeps.
pub(crate) fn sorted_entries(
    folder: &Path,
    keep: impl Fn(&Path) -> bool,
) -> Result<Vec<PathBuf>, DataError> {
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder).map_err(|source| DataError::io(folder, source))? {
        let path = entry.map_err(|source| DataError::io(folder, source))?.path();
        if keep(&path) {
            paths.push(path);
        }
    }
    paths.sort();
    Ok(paths)
}

/// Where the file `name` is: in one of these folders within `folder`, or beside them; or else where it
/// should be, in the first of them that is there, or the first.
pub(crate) fn folder_with(folder: &Path, candidates: &[&str], name: &str) -> PathBuf {
    let mut paths = candidates.iter().map(|candidate| folder.join(candidate));
    let mut all = paths.clone().chain([folder.to_owned()]);
    let found = all.find(|path| path.join(name).is_file());
    let found = found.or_else(|| paths.clone().find(|path| path.is_dir()));
    found.or_else(|| paths.next()).unwrap_or_else(|| folder.to_owned())
}

/// Whether this is an image file to us.
pub(crate) fn is_image_file(path: &Path) -> bool {
    let extension = path.extension().and_then(|extension| extension.to_str());
    extension.is_some_and(is_image_extension) && path.is_file()
}
