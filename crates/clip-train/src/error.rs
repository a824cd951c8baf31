use std::path::PathBuf;

use crate::{Fault, RankLost};
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
    /// A model cannot be loaded or exported.
    #[error(transparent)]
    Pretrained(#[from] PretrainedError),
    /// A rank of the step ended early.
    #[error("{0}, by an error of its device shown above")]
    Rank(#[from] RankLost),
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
    #[error("{} has no complete checkpoint to resume from; give the folder of a run that saved one, or, if this one was stopped before that, remove it and begin anew", .0.display())]
    NoCheckpoint(PathBuf),
    /// The folder for a new run already holds one.
    #[error("{} already holds a run; continue it with --resume, remove it, or choose another --out", .0.display())]
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
    /// The data or its order is another than that of the checkpoint.
    #[error(
        "the checkpoint {} was at a place in other data: {reason}; undo the change, or accept it \
         with --accept-changes",
        path.display()
    )]
    OtherData {
        /// The checkpoint.
        path: PathBuf,
        /// What differs.
        reason: String,
    },
    /// Updates had to be left out, too many in a row or one more than the settings allow.
    #[error(
        "{fault} at step {step}, the last of {steps} in a row that changed nothing; lower the \
         learning rate or clip the gradient, and resume from the last checkpoint"
    )]
    Diverged {
        /// The last of them.
        step: u64,
        /// How many.
        steps: u64,
        /// What was wrong with it.
        fault: Fault,
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
                | Self::OtherData { .. }
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
