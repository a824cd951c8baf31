//! Labelled videos, by their frames.

mod ffmpeg;
mod source;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use image::DynamicImage;

use super::{LabelledImages, ListOptions, in_words};
use crate::DataError;
use crate::stored::{is_image_file, sorted_entries};

pub use ffmpeg::Ffmpeg;
pub(super) use source::{Video, VideoFile, find_video};
use source::{is_video, without_ending};

/// Videos that each belong to one of several named classes. A video is a folder of numbered frames, as
/// `ffmpeg -i VIDEO FOLDER/%05d.jpg` writes them, a file that [`Ffmpeg`] reads, or an image: its
/// middle frame.
///
/// As [`LabelledImages`] they are their middle frames, which is all that the paper's tables 10 and 11
/// take (openai/CLIP, issue 28).
pub struct LabelledVideos {
    videos: Vec<Video>,
    labels: Vec<usize>,
    class_names: Vec<String>,
}

impl LabelledVideos {
    /// A folder for each class, videos within, both sorted by name; as
    /// [`LabelledFiles::folder`](super::LabelledFiles::folder) otherwise. Where a video is there more
    /// than once, its folder of frames comes before the file, and that before an image.
    ///
    /// # Errors
    ///
    /// When the folder can't be read, or a class or the whole has no videos.
    pub fn folder(folder: impl AsRef<Path>, ffmpeg: Ffmpeg) -> Result<Self, DataError> {
        let (folder, ffmpeg) = (folder.as_ref(), Arc::new(ffmpeg));
        let classes = sorted_entries(folder, Path::is_dir)?;
        if classes.is_empty() {
            let reason = "it has no subfolders: make one for each class, with its videos within";
            return Err(DataError::layout(folder, reason));
        }
        let mut set = Self { videos: Vec::new(), labels: Vec::new(), class_names: Vec::new() };
        for (label, class) in classes.iter().enumerate() {
            let videos = videos_in(class, &ffmpeg)?;
            if videos.is_empty() {
                let reason = "this class has no video, no folder of frames and no image: add some \
                              or remove it";
                return Err(DataError::layout(class, reason));
            }
            set.labels.extend(videos.iter().map(|_| label));
            set.videos.extend(videos);
            let name = class.file_name().map(|name| in_words(&name.to_string_lossy()));
            set.class_names.push(name.unwrap_or_default());
        }
        Ok(set)
    }

    /// The videos that a list in `folder` names: of `CLASS/VIDEO.avi` the frames are below the list's
    /// `folder` in `CLASS/VIDEO` or `CLASS/VIDEO.avi`, the video is there or below the list's `videos`, its
    /// middle frame is `CLASS/VIDEO.avi` with the list's `ending`. What comes first there is taken.
    ///
    /// # Errors
    ///
    /// As [`LabelledFiles::listed`](super::LabelledFiles::listed).
    pub fn listed(
        folder: impl AsRef<Path>,
        options: &ListOptions,
        class_names: Vec<String>,
        ffmpeg: Ffmpeg,
    ) -> Result<Self, DataError> {
        let (folder, ffmpeg) = (folder.as_ref(), Arc::new(ffmpeg));
        let (mut videos, mut labels) = (Vec::new(), Vec::new());
        for (line, name, label) in options.entries(folder, class_names.len())? {
            let video = listed(folder, options, &name, &ffmpeg).ok_or_else(|| {
                let base = folder.join(&options.folder).join(&name);
                let reason = format!(
                    "line {line}: there is no folder of frames {}, no video {} and no middle frame \
                     {}{}",
                    without_ending(&base).display(),
                    folder
                        .join(options.videos.as_ref().unwrap_or(&options.folder))
                        .join(&name)
                        .display(),
                    base.display(),
                    options.ending
                );
                DataError::layout(folder.join(&options.file), reason)
            })?;
            videos.push(video);
            labels.push(label);
        }
        Ok(Self { videos, labels, class_names })
    }

    /// Of the video at `index`, in `0..len()`, the frame `number` of `of` at equal distances, each in the
    /// middle of its part of the video; of one it is the middle frame.
    ///
    /// # Errors
    ///
    /// When the index is past the end, the frame can't be read, or several are asked for and only the
    /// middle one is there.
    pub fn frame(&self, index: usize, number: usize, of: usize) -> Result<DynamicImage, DataError> {
        let out_of_range = || DataError::OutOfRange { index, len: self.videos.len() };
        self.videos.get(index).ok_or_else(out_of_range)?.frame(number, of)
    }
}

impl LabelledImages for LabelledVideos {
    fn image(&self, index: usize) -> Result<DynamicImage, DataError> {
        self.frame(index, 0, 1)
    }

    fn labels(&self) -> &[usize] {
        &self.labels
    }

    fn class_names(&self) -> &[String] {
        &self.class_names
    }
}

/// Each video of a class once.
fn videos_in(class: &Path, ffmpeg: &Arc<Ffmpeg>) -> Result<Vec<Video>, DataError> {
    let is_one = |path: &Path| path.is_dir() || is_image_file(path) || is_video(path);
    let mut best: BTreeMap<PathBuf, (u8, PathBuf)> = BTreeMap::new();
    for path in sorted_entries(class, is_one)? {
        let (rank, name) = match () {
            () if path.is_dir() => (0, without_ending(&path)),
            () if is_video(&path) => (1, without_ending(&path)),
            () => (2, without_ending(&path.with_extension(""))),
        };
        let known = best.entry(name).or_insert_with(|| (rank, path.clone()));
        if rank < known.0 {
            *known = (rank, path);
        }
    }
    let video = |(name, (rank, path)): (PathBuf, (u8, PathBuf))| match rank {
        0 => Video::Frames(path),
        1 => Video::File(VideoFile::new(path, name, None, ffmpeg)),
        _ => Video::Image(path),
    };
    Ok(best.into_iter().map(video).collect())
}

fn listed(folder: &Path, options: &ListOptions, name: &str, ffmpeg: &Arc<Ffmpeg>) -> Option<Video> {
    let base = folder.join(&options.folder).join(name);
    let frames = without_ending(&base);
    if let Some(folder) = [&frames, &base].into_iter().find(|folder| folder.is_dir()) {
        return Some(Video::Frames(folder.clone()));
    }
    let elsewhere = options.videos.as_ref().map(|videos| folder.join(videos).join(name));
    let mut files = [Some(base.clone()), elsewhere].into_iter().flatten();
    if let Some(file) = files.find(|file| is_video(file)) {
        return Some(Video::File(VideoFile::new(file, frames, None, ffmpeg)));
    }
    let image = folder.join(&options.folder).join(format!("{name}{}", options.ending));
    image.is_file().then(|| Video::Image(image))
}
