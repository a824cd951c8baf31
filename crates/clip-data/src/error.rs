//! What can go wrong with a data set, and with one sample of it.

use std::fmt;
use std::io;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::{Location, RefusedSample};

/// A data set that can't be used as it is.
#[derive(Debug, Error)]
pub enum DataError {
    /// No shard was named at all.
    #[error("no shards given: name at least one `.tar` file, folder, glob or brace range")]
    NoShards,
    /// A shard spec, or one path of its braces, stands for no file.
    #[error(
        "no shard matches `{path}` (from `{spec}`): check the path, the working folder and the \
         range in braces"
    )]
    NoSuchShard {
        /// The spec as given.
        spec: String,
        /// The path it expanded to.
        path: String,
    },
    /// A shard spec isn't well formed.
    #[error("cannot read the shard spec `{spec}`: {reason}")]
    BadSpec {
        /// The spec as given.
        spec: String,
        /// What is wrong with it, and how to write it.
        reason: String,
    },
    /// A file or folder couldn't be read.
    #[error("cannot read {path}: {source}: check that it exists and may be read")]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// The address or command that a shard should come from gives nothing.
    #[error("cannot read {location}: {reason}")]
    Source {
        /// The address or command.
        location: String,
        /// What went wrong, after how many tries.
        reason: String,
    },
    /// A file or folder couldn't be written.
    #[error("cannot write {path}: {source}: check that there is space and that it may be written")]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// A file couldn't be downloaded. What arrived of it is kept for the next time.
    #[error(
        "cannot download {url}: {reason}: try again later, or get this file by other means and \
         put it at {put}"
    )]
    Download {
        /// The address.
        url: String,
        /// What went wrong.
        reason: String,
        /// Where the file is looked for before it is downloaded.
        put: PathBuf,
    },
    /// A file is not the one that was published.
    #[error("{path} is damaged: {reason}; it was removed, so get it again")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// How it differs.
        reason: String,
    },
    /// A data set isn't laid out as its format says.
    #[error("{path}: {reason}")]
    Layout {
        /// The file or folder at fault.
        path: PathBuf,
        /// What was found, and what was expected.
        reason: String,
    },
    /// Shards would be written where shards already are.
    #[error(
        "{folder} already holds {shard}: choose another folder, remove the shards in it, or ask to \
         append to them"
    )]
    Occupied {
        /// The folder.
        folder: PathBuf,
        /// A shard in it.
        shard: String,
    },
    /// A sample can't be written under its name.
    #[error(transparent)]
    Refused(#[from] RefusedSample),
    /// One sample is unusable, where every sample is needed.
    #[error("{0}: repair or remove it")]
    Sample(Fault),
    /// A shard's source stopped giving bytes, though it was tried again.
    #[error("{0}: check the source and go on from the last checkpoint")]
    SourceFailed(Fault),
    /// An index past the end.
    #[error("image {index} was asked for, but there are {len}")]
    OutOfRange {
        /// The index asked for.
        index: usize,
        /// The number of images.
        len: usize,
    },
}

impl DataError {
    pub(crate) fn io(path: impl Into<PathBuf>, source: io::Error) -> Self {
        Self::Io { path: path.into(), source }
    }

    pub(crate) fn source(location: &Location, reason: &impl fmt::Display) -> Self {
        Self::Source { location: location.to_string(), reason: reason.to_string() }
    }

    pub(crate) fn write(path: impl Into<PathBuf>, source: io::Error) -> Self {
        Self::Write { path: path.into(), source }
    }

    pub(crate) fn layout(path: impl Into<PathBuf>, reason: impl Into<String>) -> Self {
        Self::Layout { path: path.into(), reason: reason.into() }
    }
}

/// Why a sample was passed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// The shard is truncated, empty or no tar: its remaining samples are lost.
    BrokenShard,
    /// The source stopped giving the shard's bytes, though it was tried again: a connection, a disk.
    SourceFailed,
    /// A member is larger than the limit.
    MemberTooLarge,
    /// There is no image: no member is one, or its file isn't there.
    NoImage,
    /// The image has more pixels than the limit.
    TooManyPixels,
    /// The image's bytes can't be decoded.
    Undecodable,
    /// There is no caption, or an empty or malformed one.
    NoCaption,
    /// The settings leave it out: nothing is wrong with it, and it is no bad sample.
    Filtered,
    /// Its name can't be written to a shard.
    BadName,
    /// The shard isn't what the index beside it says.
    IndexDiffers,
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::BrokenShard => "broken shard",
            Self::SourceFailed => "source failed",
            Self::MemberTooLarge => "member too large",
            Self::NoImage => "no image",
            Self::TooManyPixels => "too many pixels",
            Self::Undecodable => "undecodable image",
            Self::NoCaption => "no caption",
            Self::Filtered => "filtered out",
            Self::BadName => "bad name",
            Self::IndexDiffers => "index differs",
        })
    }
}

/// One sample that can't be used: where it is and why.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{shard}: {}{reason}", of_sample(key))]
pub struct Fault {
    /// The kind of fault, by which faults are counted.
    pub cause: Cause,
    /// The shard or folder that holds the sample.
    pub shard: String,
    /// The sample's key; for a broken shard, the last one that could be read. Empty where there is
    /// none.
    pub key: String,
    /// What is wrong, and what was expected.
    pub reason: String,
}

/// How a message names a sample, where it is about one.
fn of_sample(key: &str) -> String {
    if key.is_empty() { String::new() } else { format!("sample `{key}`: ") }
}
