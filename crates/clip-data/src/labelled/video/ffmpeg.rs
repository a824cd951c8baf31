//! Frames of video files, by the programs of FFmpeg.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use image::DynamicImage;
use serde::Deserialize;
use thiserror::Error;

use crate::{DEFAULT_MAX_PIXELS, ImageProblem, decode_image};

/// The programs that video files are read with; by default those that are installed.
#[derive(Clone, Debug)]
pub struct Ffmpeg {
    /// The program that decodes.
    pub ffmpeg: PathBuf,
    /// The program that tells how long a video is.
    pub ffprobe: PathBuf,
}

impl Default for Ffmpeg {
    fn default() -> Self {
        Self { ffmpeg: "ffmpeg".into(), ffprobe: "ffprobe".into() }
    }
}

/// How long a video is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Timing {
    /// In seconds.
    pub duration: f64,
    /// Frames a second, where they are told.
    pub rate: Option<f64>,
}

/// Why a video gives no frame, and the first thing to do about it.
#[derive(Debug, Error)]
pub(super) enum Problem {
    #[error("{0} is not installed: install ffmpeg")]
    Missing(String),
    #[error("cannot run {0}: {1}: install ffmpeg again")]
    Start(String, io::Error),
    #[error("{0} cannot read it: {1}: get it again")]
    Failed(String, String),
    #[error("it has no pictures: get it again")]
    NoStream,
    #[error("it does not say how long it is: get it again")]
    NoDuration,
    #[error("there is no frame at {0} s: get it again")]
    NoFrame(f64),
    #[error("its frame at {0} s is {1}: get it again")]
    Frame(f64, ImageProblem),
}

impl Ffmpeg {
    pub(super) fn timing(&self, video: &Path) -> Result<Timing, Problem> {
        let mut command = Command::new(&self.ffprobe);
        let entries = "stream=duration,avg_frame_rate:format=duration";
        command.args(["-v", "error", "-select_streams", "v:0", "-show_entries", entries]);
        let told = output(command.args(["-of", "json"]).arg(as_file(video)))?;
        let told: Told = serde_json::from_slice(&told).unwrap_or_default();
        let stream = told.streams.first().ok_or(Problem::NoStream)?;
        let seconds = |told: &Timed| told.duration.as_ref()?.parse::<f64>().ok();
        let duration = seconds(stream).or_else(|| seconds(&told.format));
        let duration = duration.filter(|seconds| *seconds > 0.0).ok_or(Problem::NoDuration)?;
        Ok(Timing { duration, rate: stream.avg_frame_rate.as_deref().and_then(quotient) })
    }

    /// The first frame that is not before a time in seconds.
    pub(super) fn frame(&self, video: &Path, seconds: f64) -> Result<DynamicImage, Problem> {
        let mut command = Command::new(&self.ffmpeg);
        command.args(["-v", "error", "-ss", &format!("{seconds:.6}"), "-i"]).arg(as_file(video));
        command.args(["-frames:v", "1", "-f", "image2pipe", "-c:v", "png", "-"]);
        let png = output(&mut command)?;
        if png.is_empty() {
            return Err(Problem::NoFrame(seconds));
        }
        decode_image(&png, DEFAULT_MAX_PIXELS).map_err(|problem| Problem::Frame(seconds, problem))
    }
}

/// What ffprobe says.
#[derive(Default, Deserialize)]
struct Told {
    #[serde(default)]
    streams: Vec<Timed>,
    #[serde(default)]
    format: Timed,
}

#[derive(Default, Deserialize)]
struct Timed {
    duration: Option<String>,
    avg_frame_rate: Option<String>,
}

/// `30000/1001` as a number, if it is one above 0.
fn quotient(text: &str) -> Option<f64> {
    let (above, below) = text.split_once('/')?;
    let value = above.parse::<f64>().ok()? / below.parse::<f64>().ok()?;
    (value.is_finite() && value > 0.0).then_some(value)
}

/// So that a colon in a path is not taken for a protocol's.
fn as_file(video: &Path) -> OsString {
    let mut url = OsString::from("file:");
    url.push(video);
    url
}

/// What a program writes, if it does well.
fn output(command: &mut Command) -> Result<Vec<u8>, Problem> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = command.stdin(Stdio::null()).output().map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => Problem::Missing(program.clone()),
        _ => Problem::Start(program.clone(), error),
    })?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    let complaint = String::from_utf8_lossy(&output.stderr);
    let last = complaint.trim().lines().last().unwrap_or("it does not say why");
    Err(Problem::Failed(program, last.trim().to_owned()))
}
