//! From a folder to images with texts: captions to find or to choose from, and lexicons.

use std::path::Path;

use clip_data::{EvalPairs, LexiconImages, SelectionImages, ShardOpener, Split};

use super::open::holds_shards;
use super::{Dataset, Layout, OpenError};

impl Dataset {
    /// The captioned images of its test split below `root`: `test`, with shards (CLIP_benchmark's layout)
    /// or with images and texts beside them; or `test-*.tar`; or the files of MS COCO and Flickr30k, as
    /// [`EvalPairs::published`] has them. See [`open`](Self::open) on their number.
    ///
    /// # Errors
    ///
    /// See [`OpenError`].
    pub fn open_pairs(&self, root: &Path, any_count: bool) -> Result<EvalPairs, OpenError> {
        let folder = self.folder(root)?;
        let (test, together) = (folder.join("test"), holds_shards(&folder, "test-"));
        let pairs = if together || test.is_dir() {
            let spec = if together { folder.join("test-*.tar") } else { test };
            EvalPairs::open(&[spec.to_string_lossy().into_owned()], &ShardOpener::default())?
        } else {
            EvalPairs::published(folder)?
        };
        self.check_count(pairs.len(), Split::Test, any_count)?;
        Ok(pairs)
    }

    /// The images of Winoground or of a part of SugarCrepe below `root`, with captions to choose from;
    /// see [`open`](Self::open) on the number of examples.
    ///
    /// # Errors
    ///
    /// See [`OpenError`].
    pub fn open_selection(
        &self,
        root: &Path,
        any_count: bool,
    ) -> Result<SelectionImages, OpenError> {
        let folder = self.folder(root)?;
        let images = match &self.layout {
            Layout::SugarCrepe { part } => SelectionImages::sugar_crepe(folder, part)?,
            _ => SelectionImages::winoground(folder)?,
        };
        self.check_number((images.examples().len(), "examples"), Split::Test, any_count)?;
        Ok(images)
    }

    /// The images of IIIT5K-words' split below `root`, with their lexicons; see [`open`](Self::open) on
    /// their number.
    ///
    /// # Errors
    ///
    /// See [`OpenError`].
    pub fn open_lexicon(
        &self,
        root: &Path,
        split: Split,
        any_count: bool,
    ) -> Result<LexiconImages, OpenError> {
        let images = LexiconImages::iiit5k(self.folder(root)?, split)?;
        self.check_count(images.truth().len(), split, any_count)?;
        Ok(images)
    }
}
