use std::path::PathBuf;

/// What can be wrong with a model configuration.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The name is neither a preset nor a file.
    #[error(
        "no model named `{name}`; presets are {known}, or give the path of an open_clip JSON file"
    )]
    UnknownModel {
        /// The name that was asked for.
        name: String,
        /// The names that exist, separated by commas.
        known: String,
    },
    /// The file could not be read.
    #[error("cannot read the model configuration {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why it could not be read.
        source: std::io::Error,
    },
    /// The text is not a configuration: broken JSON, an unknown key, a wrong type.
    #[error("the model configuration {origin} is not valid: {source}")]
    Parse {
        /// The file or preset.
        origin: String,
        /// Names the key and its place.
        source: serde_json::Error,
    },
    /// The configuration asks for something that this crate does not build.
    #[error("the model configuration {origin} needs what is not supported: {what}")]
    Unsupported {
        /// The file or preset.
        origin: String,
        /// The tower or option, and what is supported in its place.
        what: String,
    },
    /// The other library has no such model.
    #[error("there is no such model elsewhere: {0}")]
    Export(String),
    /// Two keys contradict each other, or a value is impossible.
    #[error("the model configuration is contradictory: {0}")]
    Contradiction(String),
}

/// What can go wrong when weights are read or written.
#[derive(Debug, thiserror::Error)]
pub enum WeightsError {
    /// The file could not be read or written.
    #[error("cannot access the weights file {}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file is of no format that is read.
    #[error(
        "{} is no weights file that is read here (safetensors, torch.save, OpenAI's TorchScript): \
         {reason}", path.display()
    )]
    Unrecognised {
        /// The file.
        path: PathBuf,
        /// What it is instead.
        reason: String,
    },
    /// The file is of a known format and breaks its rules.
    #[error("{} is damaged or not safe to read: {reason}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Where and how.
        reason: String,
    },
    /// One tensor cannot be read.
    #[error("tensor {name} in {}: {reason}", path.display())]
    Tensor {
        /// The file.
        path: PathBuf,
        /// The tensor's name in the file.
        name: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The tensors are not those of the configured model.
    #[error("{} does not fit the model:{}", path.display(), listing(.problems))]
    Mismatch {
        /// The file.
        path: PathBuf,
        /// One line for each missing, unused or mis-shaped tensor.
        problems: Vec<String>,
    },
    /// The architecture cannot be told from the tensors.
    #[error(
        "{} carries no configuration, and {reason}; put its open_clip_config.json or config.json \
         beside it, or give a configuration", path.display()
    )]
    NoConfig {
        /// The file.
        path: PathBuf,
        /// What is not known.
        reason: String,
    },
    /// The configuration has another activation than the weights were trained with.
    #[error(
        "{} is one of OpenAI's archives, trained with QuickGELU, but the configuration asks for \
         GELU: use the preset with `-quickgelu`", path.display()
    )]
    Activation {
        /// The file.
        path: PathBuf,
    },
    /// The asked dtype is none that a model computes in.
    #[error("a model cannot have parameters of {dtype:?}; f32, f16 and bf16 are supported")]
    DType {
        /// The dtype that was asked for.
        dtype: burn::tensor::DType,
    },
    /// The target format has no such model.
    #[error("cannot write {}: {reason}", path.display())]
    Export {
        /// The file or folder.
        path: PathBuf,
        /// What the format lacks.
        reason: String,
    },
    /// The model's configuration is not usable.
    #[error(transparent)]
    Config(#[from] ConfigError),
}

/// Most problems that an error lists.
const MAX_LISTED: usize = 40;

/// One problem a line, so that a person can read them.
fn listing(problems: &[String]) -> String {
    let more = problems.len().saturating_sub(MAX_LISTED);
    let listed = problems.iter().take(MAX_LISTED).map(|problem| format!("\n  {problem}"));
    let rest = (more > 0).then(|| format!("\n  and {more} more"));
    listed.chain(rest).collect()
}
