use std::fmt::Write;
use std::io;
use std::path::PathBuf;

use clip_data::DataError;
use clip_model::{DeviceError, PretrainedError};
use thiserror::Error;

use super::super::FeatureError;
use crate::ProbeError;

/// Why a benchmark can't go on.
#[derive(Debug, Error)]
pub enum BenchmarkError {
    /// A model's file can't be read again.
    #[error("cannot read {path}: {source}")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// There is no device for features.
    #[error(transparent)]
    Device(#[from] DeviceError),
    /// A result or the report can't be kept.
    #[error(
        "cannot keep a result below {path}: {source}; with room there, the run goes on from here"
    )]
    Keep {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// No data set is there, or none can be measured on.
    #[error("nothing was measured on data sets below {data}{}", listed(absent))]
    Nothing {
        /// The folder.
        data: PathBuf,
        /// Data sets and what is wrong with them.
        absent: Vec<(String, String)>,
    },
}

/// Why there is no result.
#[derive(Debug, Error)]
pub enum MeasureError {
    /// There are no features.
    #[error(transparent)]
    Features(#[from] FeatureError),
    /// An image or a caption can't be read.
    #[error(transparent)]
    Data(#[from] DataError),
    /// The model can't read text.
    #[error(transparent)]
    Model(#[from] PretrainedError),
    /// There is no probe.
    #[error(transparent)]
    Probe(#[from] ProbeError),
}

fn listed(absent: &[(String, String)]) -> String {
    let mut lines = String::new();
    for (name, reason) in absent {
        // Writing into a text can't fail.
        let _ = write!(lines, "\n{name}: {reason}");
    }
    lines
}
