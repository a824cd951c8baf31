//! The files of one checkpoint, and what those beside the weights say.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::PretrainedError;
use super::selection::{self, Weights};
use crate::preprocess::ImageTransform;
use crate::weights::StateDict;
use crate::{
    Cleaning, ClipConfig, ConfigError, FileOptions, TextConfig, Tokenizer, VOCAB_SIZE, VisionPool,
};

/// A checkpoint on disk.
pub(super) struct Files {
    pub weights: PathBuf,
    folder: PathBuf,
}

impl Files {
    /// The file, the folder's weights, or the model of the hub.
    pub fn find(source: &str) -> Result<Self, PretrainedError> {
        let path = Path::new(source);
        match fs::metadata(path) {
            Ok(metadata) if metadata.is_dir() => Self::in_folder(path),
            Ok(_) => Ok(Self::of(path)),
            Err(error) if error.kind() == ErrorKind::NotFound => on_hub(source),
            Err(error) => Err(read_error(path, error)),
        }
    }

    fn of(weights: &Path) -> Self {
        let folder = weights.parent().unwrap_or(Path::new("")).into();
        Self { weights: weights.into(), folder }
    }

    fn in_folder(folder: &Path) -> Result<Self, PretrainedError> {
        let entries = fs::read_dir(folder).map_err(|error| read_error(folder, error))?;
        let names: Vec<String> =
            entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok()).collect();
        let best = selection::weights(&names).into_iter().next();
        let Some(Weights::Single(name) | Weights::Sharded(name)) = best else {
            return Err(PretrainedError::NoWeights { path: folder.into() });
        };
        Ok(Self { weights: folder.join(name), folder: folder.into() })
    }

    /// The settings beside the weights: whose names the tensors have decides whose files count,
    /// because many repositories carry both.
    pub fn settings(&self, weights: &StateDict) -> Result<Settings, PretrainedError> {
        if !weights.is_hugging_face() {
            let file = self.json("open_clip_config.json")?;
            return Ok(
                file.map_or(Settings::None, |(path, json)| Settings::OpenClip { path, json })
            );
        }
        match self.json("config.json")? {
            Some((path, json)) => {
                let transform = match self.json("preprocessor_config.json")? {
                    Some(own) => Some(own),
                    // Where transformers 5 keeps what belongs to images and texts together.
                    None => self.json("processor_config.json")?.and_then(|(path, mut json)| {
                        Some((path, json.get_mut("image_processor")?.take()))
                    }),
                };
                Ok(Settings::HuggingFace { path, json, transform })
            }
            None => Ok(Settings::None),
        }
    }

    /// The JSON file of this name, if there is one.
    fn json(&self, name: &str) -> Result<Option<(PathBuf, Value)>, PretrainedError> {
        let path = self.folder.join(name);
        let text = match fs::read(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(read_error(&path, error)),
        };
        match serde_json::from_slice(&text) {
            Ok(json) => Ok(Some((path, json))),
            Err(error) => Err(read_error(&path, error)),
        }
    }

    /// CLIP's own tokenizer, or the `tokenizer.json` that was given or lies beside the weights.
    pub fn tokenizer(
        &self,
        config: &TextConfig,
        given: Option<&Path>,
        hugging_face: bool,
    ) -> Result<Option<Tokenizer>, PretrainedError> {
        let beside = self.folder.join("tokenizer.json");
        // Fewer ids are CLIP's first merges in our files; in transformers' they are another's.
        let ours = config.has_clip_tokenizer();
        let certain = ours && (config.vocab_size == VOCAB_SIZE || !hugging_face);
        let path = match given {
            Some(path) => path,
            None if certain => return Ok(Some(Tokenizer::for_text(config)?)),
            None if beside.is_file() => &beside,
            None => return Ok(None),
        };
        Ok(Some(Tokenizer::from_file(path, config.context_length, file_options(config)?)?))
    }
}

/// How open_clip's configuration wants the tokenizer file used.
fn file_options(config: &TextConfig) -> Result<FileOptions, ConfigError> {
    let mut options = FileOptions::default();
    for (key, value) in config.tokenizer_kwargs.iter().flatten() {
        let known = match (key.as_str(), value) {
            ("clean", Value::String(name)) => {
                Cleaning::from_name(name).map(|cleaning| options.cleaning = cleaning)
            }
            ("strip_sep_token", Value::Bool(strip)) => {
                options.strip_separator = *strip;
                Some(())
            }
            _ => None,
        };
        known.ok_or_else(|| ConfigError::Unsupported {
            origin: "text_cfg".into(),
            what: format!("the tokenizer option {key} = {value} (tokenizer_kwargs)"),
        })?;
    }
    Ok(options)
}

/// What the files beside the weights say.
pub(super) enum Settings {
    /// There are none.
    None,
    /// `open_clip_config.json`.
    OpenClip { path: PathBuf, json: Value },
    /// `config.json`, and `preprocessor_config.json` where there is one.
    HuggingFace { path: PathBuf, json: Value, transform: Option<(PathBuf, Value)> },
}

impl Settings {
    /// The configuration, if there is one.
    pub fn config(&self) -> Result<Option<ClipConfig>, PretrainedError> {
        Ok(match self {
            Self::None => None,
            Self::OpenClip { path, json } => {
                Some(ClipConfig::from_value(json.clone(), &path.display().to_string())?)
            }
            Self::HuggingFace { path, json, .. } => {
                Some(ClipConfig::from_hugging_face(json, &path.display().to_string())?)
            }
        })
    }

    /// The image transform: what the files say, or else that of the model's family.
    pub fn transform(&self, config: &ClipConfig) -> Result<ImageTransform, PretrainedError> {
        let size = config.vision_cfg.image_size;
        let vision = &config.vision_cfg;
        let clipa = vision.no_ln_pre && vision.final_ln_after_pool;
        let family = match vision.pool_type {
            VisionPool::Map => ImageTransform::siglip(size),
            VisionPool::Avg if clipa => ImageTransform::clipa(size),
            _ => ImageTransform::openai(size),
        };
        let (path, read) = match self {
            Self::OpenClip { path, json } => match json.get("preprocess_cfg") {
                Some(own) => (path, serde_json::from_value(own.clone()).map_err(|e| e.to_string())),
                None => return Ok(family),
            },
            Self::HuggingFace { transform: Some((path, json)), .. } => {
                (path, ImageTransform::from_hugging_face(json).map_err(|e| e.to_string()))
            }
            _ => return Ok(family),
        };
        read.map_err(|reason| PretrainedError::Transform { path: path.clone(), reason })
    }
}

#[cfg(feature = "hub")]
fn on_hub(source: &str) -> Result<Files, PretrainedError> {
    if !looks_like_an_id(source) {
        return Err(PretrainedError::NotFound { given: source.into(), hint: String::new() });
    }
    Files::in_folder(&crate::hub::snapshot(source, &mut crate::hub::silent)?)
}

#[cfg(not(feature = "hub"))]
fn on_hub(source: &str) -> Result<Files, PretrainedError> {
    let hint = match looks_like_an_id(source) {
        true => {
            "; to fetch a model of that name from the Hugging Face hub, build with the feature \
                 `hub`, or put its configuration and weights into a folder and give that"
        }
        false => "",
    };
    Err(PretrainedError::NotFound { given: source.into(), hint: hint.into() })
}

/// `org/name`, with or without open_clip's prefix: not a path of any other form.
fn looks_like_an_id(source: &str) -> bool {
    let plain = source.strip_prefix("hf-hub:").unwrap_or(source);
    let rooted = plain.starts_with(['/', '.', '~']) || plain.contains('\\');
    !rooted && plain.split('/').count() == 2 && !plain.ends_with('/')
}

fn read_error(path: &Path, error: impl std::fmt::Display) -> PretrainedError {
    PretrainedError::Read { path: path.into(), reason: error.to_string() }
}
