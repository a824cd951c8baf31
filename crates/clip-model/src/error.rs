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
    /// The bytes are not a safetensors file.
    #[error("{} is not a valid safetensors file: {source}", path.display())]
    Format {
        /// The file.
        path: PathBuf,
        /// What the parser says.
        source: safetensors::SafeTensorError,
    },
    /// The tensors are not those of the configured model.
    #[error("{} does not fit the model:{}", path.display(), listing(.problems))]
    Mismatch {
        /// The file.
        path: PathBuf,
        /// One line for each missing, unused or mis-shaped tensor.
        problems: Vec<String>,
    },
}

/// One problem a line, so that a person can read them.
fn listing(problems: &[String]) -> String {
    problems.iter().map(|problem| format!("\n  {problem}")).collect()
}
