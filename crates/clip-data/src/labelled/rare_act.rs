//! RareAct (Miech et al. 2020): unusual actions in videos, and what looks like them.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use image::DynamicImage;
use serde::Deserialize;

use super::Ffmpeg;
use super::video::{Video, VideoFile, find_video};
use crate::DataError;

/// A line of `rareact.csv`: whether an action is in a part of a video.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Deserialize)]
pub struct Segment {
    /// The segment's own.
    pub id: String,
    /// The YouTube ID of the video.
    pub video_id: String,
    /// In seconds.
    pub start: u32,
    /// In seconds.
    pub end: u32,
    /// The action, from 0.
    pub class_id: usize,
    /// What is done.
    pub verb: String,
    /// To what.
    pub noun: String,
    /// 1 where the action is seen; 0 where it is not; 2 where only the verb is right, 3 where only the
    /// noun is, 4 where both are seen apart from each other.
    pub annotation: u8,
}

/// Segments of videos with what was said about them.
pub struct RareAct {
    segments: Vec<Segment>,
    videos: Vec<Video>,
    classes: Vec<(String, String)>,
}

impl RareAct {
    /// Opens `rareact.csv` with the frames of each segment in `frames/ID`, or with `videos/VIDEO_ID.mp4` (or
    /// another video format's ending) for [`Ffmpeg`].
    ///
    /// # Errors
    ///
    /// When the table is missing or holds something else, or a segment is not there.
    pub fn open(folder: impl AsRef<Path>, ffmpeg: Ffmpeg) -> Result<Self, DataError> {
        let (folder, ffmpeg) = (folder.as_ref(), Arc::new(ffmpeg));
        let table = folder.join("rareact.csv");
        let text = fs::read_to_string(&table).map_err(|source| DataError::io(&table, source))?;
        let wrong = |line: usize, reason: String| {
            DataError::layout(&table, format!("line {line}: {reason}"))
        };
        let mut rows = csv::Reader::from_reader(text.as_bytes());
        let (mut segments, mut videos) = (Vec::<Segment>::new(), Vec::new());
        for (row, line) in rows.deserialize::<Segment>().zip(2..) {
            let segment = row.map_err(|error| wrong(line, error.to_string()))?;
            if segment.annotation > 4 || segment.start >= segment.end {
                let reason = "its annotation is above 4, or it ends before it starts";
                return Err(wrong(line, reason.to_owned()));
            }
            videos.push(video(folder, &segment, &ffmpeg).map_err(|reason| wrong(line, reason))?);
            segments.push(segment);
        }
        let classes = classes(&segments).map_err(|reason| DataError::layout(&table, reason))?;
        Ok(Self { segments, videos, classes })
    }

    /// What was said, in the order of the table.
    pub fn segments(&self) -> &[Segment] {
        &self.segments
    }

    /// Verb and noun of each action.
    pub fn classes(&self) -> &[(String, String)] {
        &self.classes
    }

    /// Of the segment at `index`, in `0..segments().len()`, the frame `number` of `of` at equal
    /// distances; of one it is the middle frame.
    ///
    /// # Errors
    ///
    /// When the index is past the end or the frame can't be read.
    pub fn frame(&self, index: usize, number: usize, of: usize) -> Result<DynamicImage, DataError> {
        let out_of_range = || DataError::OutOfRange { index, len: self.videos.len() };
        self.videos.get(index).ok_or_else(out_of_range)?.frame(number, of)
    }
}

fn video(folder: &Path, segment: &Segment, ffmpeg: &Arc<Ffmpeg>) -> Result<Video, String> {
    let (frames, videos) = (folder.join("frames").join(&segment.id), folder.join("videos"));
    if frames.is_dir() {
        return Ok(Video::Frames(frames));
    }
    let missing = || {
        let video = videos.join(&segment.video_id);
        format!("there is no folder {} and no {}.mp4", frames.display(), video.display())
    };
    let path = find_video(&videos, &segment.video_id).ok_or_else(missing)?;
    let span = (f64::from(segment.start), f64::from(segment.end));
    Ok(Video::File(VideoFile::new(path, frames, Some(span), ffmpeg)))
}

/// Verb and noun of each number, which must all be there and mean one action each.
fn classes(segments: &[Segment]) -> Result<Vec<(String, String)>, String> {
    let count = segments.iter().map(|segment| segment.class_id + 1).max();
    let count = count.ok_or("it lists no segments")?;
    if count > segments.len() {
        return Err(format!("there are {} segments and class {}", segments.len(), count - 1));
    }
    let mut classes = vec![None; count];
    for Segment { class_id, verb, noun, .. } in segments {
        let action = (verb.clone(), noun.clone());
        if classes[*class_id].get_or_insert_with(|| action.clone()) != &action {
            return Err(format!("class {class_id} is {verb} {noun} and something else"));
        }
    }
    let missing = |class| format!("class {class} has no segment");
    let named = classes.into_iter().enumerate();
    named.map(|(class, action)| action.ok_or_else(|| missing(class))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{picture, png};

    const HEAD: &str = "id,video_id,start,end,class_id,verb,noun,annotation\n";

    fn open(folder: &Path, rows: &str) -> Result<RareAct, DataError> {
        fs::write(folder.join("rareact.csv"), format!("{HEAD}{rows}")).unwrap();
        RareAct::open(folder, Ffmpeg::default())
    }

    #[test]
    fn segments_are_folders_of_frames_or_parts_of_videos() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir_all(folder.path().join("frames/14")).unwrap();
        fs::create_dir_all(folder.path().join("videos")).unwrap();
        for number in 0..3 {
            let frame = folder.path().join(format!("frames/14/0000{}.jpg", number + 1));
            fs::write(frame, png(&picture(number))).unwrap();
        }
        fs::write(folder.path().join("videos/-qeKP1GE.webm"), "").unwrap();
        let rows = "14,7frRY7aGwMU,50,60,1,cut,laptop,1\n15,-qeKP1GE,0,10,0,shake,tomato,4\n";
        let set = open(folder.path(), rows).unwrap();
        assert_eq!(set.classes()[1], ("cut".to_owned(), "laptop".to_owned()));
        assert_eq!((set.segments().len(), set.segments()[1].annotation), (2, 4));
        assert_eq!(set.frame(0, 0, 1).unwrap(), picture(1));
        assert_eq!(set.frame(0, 2, 3).unwrap(), picture(2));
        assert!(set.frame(2, 0, 1).unwrap_err().to_string().contains("there are 2"));
    }

    #[test]
    fn the_line_at_fault_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let message = |rows: &str| open(folder.path(), rows).err().unwrap().to_string();
        assert!(message("").contains("it lists no segments"));
        let error = message("14,7frRY7aGwMU,50,60,0,cut,laptop,1\n");
        assert!(error.contains("line 2: there is no folder ") && error.contains("7frRY7aGwMU.mp4"));
        fs::create_dir_all(folder.path().join("frames/14")).unwrap();
        assert!(message("14,a,50,60,0,cut,laptop,5\n").contains("line 2: its annotation"));
        assert!(message("14,a,60,60,0,cut,laptop,1\n").contains("ends before it starts"));
        assert!(message("14,a,soon,60,0,cut,laptop,1\n").contains("line 2: "));
        assert!(message("14,a,50,60,1,cut,laptop,1\n").contains("1 segments and class 1"));
        let row = |class, noun| format!("14,a,50,60,{class},cut,{noun},1\n");
        let twice = row(0, "laptop") + &row(0, "tree");
        assert!(message(&twice).contains("class 0 is cut tree and something else"));
        assert!(message(&(row(1, "tree") + &row(1, "tree"))).contains("class 0 has no segment"));
        fs::remove_file(folder.path().join("rareact.csv")).unwrap();
        let error = RareAct::open(folder.path(), Ffmpeg::default()).err().unwrap().to_string();
        assert!(error.contains("rareact.csv"), "{error}");
    }
}
