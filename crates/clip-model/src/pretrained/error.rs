use std::path::PathBuf;

use crate::{ConfigError, TokenizerError, WeightsError};

/// Why a model could not be loaded or saved.
#[derive(Debug, thiserror::Error)]
pub enum PretrainedError {
    /// There is no such file or folder, and the name is none of the hub's either.
    #[error("there is no file or folder {given}{hint}")]
    NotFound {
        /// What was asked for.
        given: String,
        /// What to do, where the name looks like one of the hub's.
        hint: String,
    },
    /// The folder has no weights.
    #[error(
        "the folder {} has no weights: it needs open_clip_model.safetensors, model.safetensors, \
         one of their .bin relatives or a single .pt", path.display()
    )]
    NoWeights {
        /// The folder.
        path: PathBuf,
    },
    /// A file beside the weights could not be read.
    #[error("cannot read {}: {reason}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// The image transform beside the weights is none that is supported.
    #[error("the image transform in {}: {reason}", path.display())]
    Transform {
        /// The file.
        path: PathBuf,
        /// What is not supported.
        reason: String,
    },
    /// The model has a tokenizer of its own, which is not there.
    #[error(
        "the model was trained with the tokenizer {name}: put its tokenizer.json into {}",
        folder.display()
    )]
    NoTokenizer {
        /// Its name on the hub, or its number of ids.
        name: String,
        /// Where it is looked for.
        folder: PathBuf,
    },
    /// The weights could not be read or written.
    #[error(transparent)]
    Weights(#[from] WeightsError),
    /// The configuration is not usable.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The tokenizer is not usable.
    #[error(transparent)]
    Tokenizer(#[from] TokenizerError),
    /// The model could not be fetched.
    #[cfg(feature = "hub")]
    #[error(transparent)]
    Hub(#[from] crate::hub::HubError),
}
