use std::path::PathBuf;

use clip_data::{DataError, LoaderError};
use clip_model::{ConfigError, DeviceError, PretrainedError, TokenizerError};

/// Why a training run could not start or go on.
#[derive(Debug, thiserror::Error)]
pub enum TrainError {
    /// A setting is impossible.
    #[error("{0}")]
    Setting(String),
    /// The model's configuration is wrong.
    #[error(transparent)]
    Model(#[from] ConfigError),
    /// The device cannot be used.
    #[error(transparent)]
    Device(#[from] DeviceError),
    /// The tokenizer cannot be built for the model.
    #[error(transparent)]
    Tokenizer(#[from] TokenizerError),
    /// A data set cannot be used.
    #[error(transparent)]
    Data(#[from] DataError),
    /// The training data gave out.
    #[error(transparent)]
    Loader(#[from] LoaderError),
    /// The model cannot be exported.
    #[error(transparent)]
    Export(#[from] PretrainedError),
    /// A file of the run cannot be read or written.
    #[error("cannot {action} {}: {reason}", path.display())]
    File {
        /// What was tried: `read`, `write`, `create`.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// Why it failed.
        reason: String,
    },
    /// The folder given to resume from holds no complete checkpoint.
    #[error("{} has no complete checkpoint to resume from; give the folder of a run that saved one", .0.display())]
    NoCheckpoint(PathBuf),
    /// The folder for a new run already holds one.
    #[error("{} already holds a run; continue it with --resume, or choose another --out", .0.display())]
    RunExists(PathBuf),
    /// The checkpoint is of another model than the one asked for.
    #[error("the checkpoint {} is of another model than `{model}`: {reason}; leave out --model to go on with it", path.display())]
    OtherModel {
        /// The checkpoint.
        path: PathBuf,
        /// The model that was asked for.
        model: String,
        /// What differs.
        reason: String,
    },
    /// The loss was not a finite number too many times in a row.
    #[error(
        "the loss or its gradient was not finite in {steps} steps in a row, up to step {step}; \
         lower the learning rate or clip the gradient, and resume from the last checkpoint"
    )]
    Diverged {
        /// The last of them.
        step: u64,
        /// How many.
        steps: u64,
    },
}

impl TrainError {
    /// Whether the settings are wrong, as opposed to the work having failed.
    pub fn is_setting(&self) -> bool {
        use DataError::{BadSpec, NoShards, NoSuchShard};
        matches!(
            self,
            Self::Setting(_)
                | Self::Model(_)
                | Self::Device(_)
                | Self::Tokenizer(_)
                | Self::NoCheckpoint(_)
                | Self::RunExists(_)
                | Self::OtherModel { .. }
                | Self::Data(NoShards | NoSuchShard { .. } | BadSpec { .. })
        )
    }

    /// An error about a file; `action` is a verb.
    pub(crate) fn file(
        action: &'static str,
        path: impl Into<PathBuf>,
        reason: impl std::fmt::Display,
    ) -> Self {
        Self::File { action, path: path.into(), reason: reason.to_string() }
    }
}
