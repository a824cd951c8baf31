//! Where a video's frames come from.

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use image::DynamicImage;

use super::ffmpeg::{Ffmpeg, Timing};
use crate::stored::{StoredImage, is_image_file, sorted_entries};
use crate::{DEFAULT_MAX_PIXELS, DataError};

/// What video files are called, without the dot.
const VIDEO_EXTENSIONS: [&str; 4] = ["avi", "mp4", "webm", "mkv"];

/// How far before a frame is looked for it, in frames: times are rounded.
const EARLIER: f64 = 0.25;

/// A video, or what is there of it.
pub(in super::super) enum Video {
    /// The middle frame alone.
    Image(PathBuf),
    /// A folder of numbered frames.
    Frames(PathBuf),
    /// The video, or a part of it.
    File(VideoFile),
}

impl Video {
    /// The frame `number` of `of` at equal distances.
    pub fn frame(&self, number: usize, of: usize) -> Result<DynamicImage, DataError> {
        let share = (number as f64 + 0.5) / of.max(1) as f64;
        match self {
            Self::Image(path) if of > 1 => {
                let reason = "it is the middle frame, and several are wanted: put a folder of \
                              frames or the video in its place";
                Err(DataError::layout(path, reason))
            }
            Self::Image(path) => decode(path.clone()),
            Self::Frames(folder) => decode(frame_in(folder, share)?),
            Self::File(file) => file.frame(share),
        }
    }
}

fn decode(path: PathBuf) -> Result<DynamicImage, DataError> {
    StoredImage::of_file(path).decode(DEFAULT_MAX_PIXELS)
}

/// The frame at a share of the frames, in the order of their numbers, or else of their names.
fn frame_in(folder: &Path, share: f64) -> Result<PathBuf, DataError> {
    let mut frames = sorted_entries(folder, is_image_file)?;
    let number = |frame: &PathBuf| frame.file_stem()?.to_str()?.parse::<u64>().ok();
    if frames.iter().all(|frame| number(frame).is_some()) {
        frames.sort_by_key(number);
    }
    let at = (share * frames.len() as f64) as usize;
    let reason = "it has no frames: extract them with ffmpeg -i VIDEO FOLDER/%05d.jpg";
    frames.into_iter().nth(at).ok_or_else(|| DataError::layout(folder, reason))
}

/// A video file, or a part of it.
pub(in super::super) struct VideoFile {
    path: PathBuf,
    /// Where its frames would be looked for.
    frames: PathBuf,
    /// Start and end in seconds.
    span: Option<(f64, f64)>,
    ffmpeg: Arc<Ffmpeg>,
    timing: OnceLock<Timing>,
}

impl VideoFile {
    pub fn new(
        path: PathBuf,
        frames: PathBuf,
        span: Option<(f64, f64)>,
        ffmpeg: &Arc<Ffmpeg>,
    ) -> Self {
        Self { path, frames, span, ffmpeg: ffmpeg.clone(), timing: OnceLock::new() }
    }

    fn frame(&self, share: f64) -> Result<DynamicImage, DataError> {
        let timing = self.timing()?;
        let (start, end) = self.span.unwrap_or((0.0, timing.duration));
        let end = end.min(timing.duration);
        if start >= end {
            let reason = format!("it ends at {} s, before {start} s", timing.duration);
            return Err(DataError::layout(&self.path, reason));
        }
        let at = match timing.rate {
            Some(rate) => {
                let number = (share * (end - start) * rate).floor();
                start + (number - EARLIER) / rate
            }
            None => start + share * (end - start),
        };
        self.ffmpeg.frame(&self.path, at.max(0.0)).map_err(|problem| self.error(&problem))
    }

    fn timing(&self) -> Result<Timing, DataError> {
        if let Some(timing) = self.timing.get() {
            return Ok(*timing);
        }
        let timing = self.ffmpeg.timing(&self.path).map_err(|problem| self.error(&problem))?;
        Ok(*self.timing.get_or_init(|| timing))
    }

    fn error(&self, problem: &super::ffmpeg::Problem) -> DataError {
        let part =
            self.span.map_or(String::new(), |(start, end)| format!("-ss {start} -to {end} "));
        let (video, frames) = (self.path.display(), self.frames.display());
        let reason = format!(
            "{problem}, or extract its frames: mkdir -p '{frames}' && ffmpeg {part}-i '{video}' \
             '{frames}/%05d.jpg'"
        );
        DataError::layout(&self.path, reason)
    }
}

/// The video of this name, without its ending, in a folder.
pub(in super::super) fn find_video(folder: &Path, name: &str) -> Option<PathBuf> {
    let file = |ending: &str| folder.join(format!("{name}.{ending}"));
    VIDEO_EXTENSIONS.iter().map(|ending| file(ending)).find(|path| path.is_file())
}

/// Whether this is a video file to us.
pub(super) fn is_video(path: &Path) -> bool {
    without_ending(path) != path && path.is_file()
}

/// A path without the ending of a video.
pub(super) fn without_ending(path: &Path) -> PathBuf {
    let ending = path.extension().and_then(|ending| ending.to_str());
    let is_one = |known: &str| ending.is_some_and(|ending| ending.eq_ignore_ascii_case(known));
    match VIDEO_EXTENSIONS.iter().any(|known| is_one(known)) {
        true => path.with_extension(""),
        false => path.to_owned(),
    }
}
