use std::fmt::Display;
use std::path::PathBuf;

/// Why a file is no usable image.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// The file could not be read.
    #[error("cannot read the image {}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why it could not be read.
        source: std::io::Error,
    },
    /// The file was read and is no usable image.
    #[error("{}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: Box<SourceError>,
    },
    /// The header says more pixels than the limit; nothing was allocated for them.
    #[error("{width} x {height} pixels are more than the limit of {limit}: shrink it or raise it")]
    TooManyPixels {
        /// Width in pixels.
        width: u32,
        /// Height in pixels.
        height: u32,
        /// The most pixels allowed.
        limit: u64,
    },
    /// The bytes begin like no format that is read.
    #[error("not a PNG, JPEG, WebP, GIF, BMP or TIFF image")]
    UnknownFormat,
    /// The bytes are truncated or corrupt, or of a kind of this format that is not read.
    #[error("not a readable {format} image: {reason}")]
    Undecodable {
        /// The format that the bytes begin like.
        format: &'static str,
        /// What is wrong.
        reason: String,
    },
}

impl SourceError {
    pub(super) fn undecodable(format: &'static str, reason: impl Display) -> Self {
        Self::Undecodable { format, reason: reason.to_string() }
    }
}

/// A value in a preprocessing configuration that is not understood, or cannot be expressed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("preprocessing: `{key}` is {value}, but {expected}")]
pub struct TransformError {
    /// The configuration's key.
    pub key: String,
    /// The value, as JSON.
    pub value: String,
    /// What is understood in its place.
    pub expected: String,
}

impl TransformError {
    pub(super) fn new(key: &str, value: impl Display, expected: impl Into<String>) -> Self {
        Self { key: key.to_owned(), value: value.to_string(), expected: expected.into() }
    }
}
