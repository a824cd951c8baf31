//! Videos, and images with places.

use std::path::Path;

use clip_data::{Ffmpeg, LabelledImages, LabelledVideos, PlacedImages, RareAct, Split};

use super::{Dataset, Layout, OpenError};

impl Dataset {
    /// Whether its authors publish videos, of which [`open`](Self::open) gives the middle frames.
    pub fn has_videos(&self) -> bool {
        match &self.layout {
            Layout::Folder(layout) => layout.videos,
            Layout::List { test, .. } => test.videos.is_some(),
            _ => false,
        }
    }

    /// The videos of its test split below `root`, in its authors' layout; see [`open`](Self::open) on their
    /// number.
    ///
    /// # Errors
    ///
    /// See [`OpenError`].
    pub fn open_videos(&self, root: &Path, any_count: bool) -> Result<LabelledVideos, OpenError> {
        let folder = self.folder(root)?;
        let videos = self.videos(&folder, Split::Test)?;
        self.check_classes(folder, videos.class_names().len())?;
        self.check_count(videos.len(), Split::Test, any_count)?;
        Ok(videos)
    }

    pub(super) fn videos(&self, folder: &Path, split: Split) -> Result<LabelledVideos, OpenError> {
        let videos = match (&self.layout, split) {
            (Layout::Folder(layout), Split::Train) => {
                let train = layout.train.as_ref().ok_or(OpenError::NoTrain)?;
                LabelledVideos::folder(folder.join(train), Ffmpeg::default())
            }
            (Layout::Folder(layout), Split::Test) => {
                LabelledVideos::folder(folder.join(&layout.test), Ffmpeg::default())
            }
            (Layout::List { train, test }, split) => {
                let list = if split == Split::Train { train } else { test };
                LabelledVideos::listed(folder, list, self.main_names(), Ffmpeg::default())
            }
            _ => return Err(OpenError::Task(self.title.clone())),
        };
        Ok(videos?)
    }

    /// RareAct's segments of videos below `root`; see [`open`](Self::open) on their number.
    ///
    /// # Errors
    ///
    /// See [`OpenError`].
    pub fn open_rare_act(&self, root: &Path, any_count: bool) -> Result<RareAct, OpenError> {
        let folder = self.folder(root)?;
        let set = RareAct::open(&folder, Ffmpeg::default())?;
        self.check_count(set.segments().len(), Split::Test, any_count)?;
        if !any_count {
            self.check_classes(folder, set.classes().len())?;
        }
        Ok(set)
    }

    /// Its images with places below `root`, those to measure on and those that are known; see
    /// [`open`](Self::open) on the number of the former.
    ///
    /// # Errors
    ///
    /// See [`OpenError`].
    pub fn open_places(
        &self,
        root: &Path,
        any_count: bool,
    ) -> Result<(PlacedImages, PlacedImages), OpenError> {
        let folder = self.folder(root)?;
        let test = PlacedImages::open(&folder, "test")?;
        self.check_count(test.places().len(), Split::Test, any_count)?;
        Ok((test, PlacedImages::open(&folder, "reference")?))
    }
}
