//! Where the samples of a corpus are.

use std::iter;
use std::path::PathBuf;

use super::folder::{images_under, sample_of};
use super::pairs::sample_of_pair;
use crate::shards::image_folder;
use crate::{
    CaptionDraw, Cause, DEFAULT_MAX_MEMBER_BYTES, DataError, Fault, Location, PairOptions,
    PairSource, RawSample, ShardOpener, ShardReader, expand_shards, open_pairs,
};

/// How many files of a folder make a part.
const PART_FILES: usize = 1000;

/// A corpus to be looked at, in parts that can be read at the same time.
pub enum Corpus {
    /// Shards, each a part.
    Shards {
        /// Where they are.
        shards: Vec<Location>,
        /// What opens them.
        opener: ShardOpener,
    },
    /// Image files with their captions in text files beside them; a thousand are a part.
    Folder {
        /// The folder that all are in.
        root: PathBuf,
        /// The images, sorted.
        images: Vec<PathBuf>,
    },
    /// What is neither, such as the rows of a table; a thousand are a part.
    Pairs(Box<dyn PairSource>),
}

impl Corpus {
    /// The shards that the specs stand for, as in [`expand_shards`]; or the images under a folder
    /// without shards in it, where that is the only spec: each `NAME.png` (or `.jpg`, `.jpeg`,
    /// `.webp`) with a `NAME.txt` or `NAME.json`; or the pairs of tables, as in [`open_pairs`].
    ///
    /// # Errors
    ///
    /// As [`expand_shards`] and [`open_pairs`], and when a folder can't be read or holds no images.
    pub fn open(specs: &[String], tables: &PairOptions) -> Result<Self, DataError> {
        let Some(root) = image_folder(specs) else {
            if let Some(pairs) = open_pairs(specs, tables, &CaptionDraw::default())? {
                return Ok(Self::Pairs(pairs));
            }
            let (shards, opener) = (expand_shards(specs)?, ShardOpener::default());
            return Ok(Self::Shards { shards, opener });
        };
        let images = images_under(root)?;
        if images.is_empty() {
            let reason = "it has neither shards nor images: name a folder with some";
            return Err(DataError::layout(root, reason));
        }
        Ok(Self::Folder { root: root.to_owned(), images })
    }

    /// How many parts there are.
    pub fn parts(&self) -> usize {
        match self {
            Self::Shards { shards, .. } => shards.len(),
            Self::Folder { images, .. } => images.len().div_ceil(PART_FILES),
            Self::Pairs(pairs) => pairs.len().div_ceil(PART_FILES),
        }
    }

    /// The samples of a part, in `0..parts()`, in order; none past the end. A shard that can't be
    /// opened is a fault.
    pub fn part(&self, part: usize) -> Box<dyn Iterator<Item = Result<RawSample, Fault>> + '_> {
        match self {
            Self::Shards { shards, opener } => {
                Box::new(shards.get(part).into_iter().flat_map(|shard| samples(shard, opener)))
            }
            Self::Folder { root, images } => {
                let files = images.chunks(PART_FILES).nth(part).unwrap_or_default();
                Box::new(files.iter().map(|file| sample_of(file, root, DEFAULT_MAX_MEMBER_BYTES)))
            }
            Self::Pairs(pairs) => {
                let (first, count) = (part.saturating_mul(PART_FILES), pairs.len());
                let indices = first..first.saturating_add(PART_FILES).min(count);
                Box::new(indices.map(|index| sample_of_pair(pairs.as_ref(), index)))
            }
        }
    }
}

fn samples(
    shard: &Location,
    opener: &ShardOpener,
) -> Box<dyn Iterator<Item = Result<RawSample, Fault>>> {
    match ShardReader::open(shard, opener, DEFAULT_MAX_MEMBER_BYTES) {
        Ok(reader) => Box::new(reader),
        Err(error) => {
            let (shard, reason) = (shard.to_string(), error.to_string());
            let fault = Fault { cause: Cause::SourceFailed, shard, key: String::new(), reason };
            Box::new(iter::once(Err(fault)))
        }
    }
}
