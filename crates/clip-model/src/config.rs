use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::ConfigError;

/// Presets: open_clip's model JSON, one file a model, named as open_clip names them.
const PRESETS: &[(&str, &str)] = &[
    ("RN50", include_str!("../presets/RN50.json")),
    ("RN101", include_str!("../presets/RN101.json")),
    ("RN50x4", include_str!("../presets/RN50x4.json")),
    ("RN50x16", include_str!("../presets/RN50x16.json")),
    ("RN50x64", include_str!("../presets/RN50x64.json")),
    ("ViT-B-32", include_str!("../presets/ViT-B-32.json")),
    ("ViT-B-16", include_str!("../presets/ViT-B-16.json")),
    ("ViT-L-14", include_str!("../presets/ViT-L-14.json")),
    ("ViT-L-14-336", include_str!("../presets/ViT-L-14-336.json")),
    ("RN-nano", include_str!("../presets/RN-nano.json")),
    ("ViT-nano", include_str!("../presets/ViT-nano.json")),
];

/// The names of the shipped configurations.
pub fn presets() -> impl Iterator<Item = &'static str> {
    PRESETS.iter().map(|(name, _)| *name)
}

/// A CLIP model, in open_clip's JSON format.
///
/// A key that this crate does not know is refused, because it would change the numbers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClipConfig {
    /// Width of the space shared by images and texts.
    pub embed_dim: usize,
    /// Whether both towers use QuickGELU, `x * sigmoid(1.702 x)`, as OpenAI's weights do, in
    /// place of the exact GELU. Default: false.
    #[serde(default)]
    pub quick_gelu: bool,
    /// The image tower.
    pub vision_cfg: VisionConfig,
    /// The text tower.
    pub text_cfg: TextConfig,
}

/// The image tower: a ViT when `layers` is a number, a ModifiedResNet when it lists four stages.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VisionConfig {
    /// Side of the square input, in pixels.
    pub image_size: usize,
    /// Number of transformer blocks, or blocks of each of the four stages.
    pub layers: VisionLayers,
    /// Width of the transformer, or of the ResNet's stem.
    pub width: usize,
    /// Width of one attention head. Default: 64.
    #[serde(default = "default_head_width")]
    pub head_width: usize,
    /// Width of the transformer's hidden layer over its width. Default: 4.
    #[serde(default = "default_mlp_ratio", skip_serializing_if = "is_default_mlp_ratio")]
    pub mlp_ratio: f64,
    /// Side of a patch in pixels; a ViT needs it, a ResNet has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub patch_size: Option<usize>,
}

/// Depth of the image tower.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum VisionLayers {
    /// Blocks of a ViT.
    Transformer(usize),
    /// Blocks in each stage of a ModifiedResNet.
    Stages([usize; 4]),
}

/// The text tower, a causal transformer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TextConfig {
    /// Number of tokens of a text, start and end included. Default: 77.
    #[serde(default = "default_context_length")]
    pub context_length: usize,
    /// Number of token ids: 49408 for CLIP's whole vocabulary, less for its first merges alone
    /// (see [`Tokenizer`](crate::Tokenizer)). Default: 49408.
    #[serde(default = "default_vocab_size")]
    pub vocab_size: usize,
    /// Width of the transformer.
    pub width: usize,
    /// Number of attention heads.
    pub heads: usize,
    /// Number of blocks.
    pub layers: usize,
    /// Width of the hidden layer over the width. Default: 4.
    #[serde(default = "default_mlp_ratio", skip_serializing_if = "is_default_mlp_ratio")]
    pub mlp_ratio: f64,
}

fn default_head_width() -> usize {
    64
}

fn default_mlp_ratio() -> f64 {
    4.0
}

fn is_default_mlp_ratio(value: &f64) -> bool {
    *value == default_mlp_ratio()
}

fn default_context_length() -> usize {
    77
}

fn default_vocab_size() -> usize {
    crate::VOCAB_SIZE
}

impl ClipConfig {
    /// A shipped configuration; the suffix `-quickgelu` asks for QuickGELU, as in open_clip.
    ///
    /// # Errors
    ///
    /// [`ConfigError::UnknownModel`] when there is none of this name.
    pub fn preset(name: &str) -> Result<Self, ConfigError> {
        let unknown = || ConfigError::UnknownModel {
            name: name.into(),
            known: presets().collect::<Vec<_>>().join(", "),
        };
        let base = name.strip_suffix("-quickgelu");
        let file = base.unwrap_or(name);
        let (_, json) = PRESETS.iter().find(|(known, _)| *known == file).ok_or_else(unknown)?;
        let config = Self::from_json(json, name)?;
        Ok(Self { quick_gelu: base.is_some(), ..config })
    }

    /// A configuration from an open_clip JSON file.
    ///
    /// # Errors
    ///
    /// When the file cannot be read, has an unknown key or contradicts itself.
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        let json = std::fs::read_to_string(path)
            .map_err(|source| ConfigError::Read { path: path.into(), source })?;
        Self::from_json(&json, &path.display().to_string())
    }

    /// The file, where the name ends in `.json`, or else the preset of this name.
    ///
    /// # Errors
    ///
    /// As [`preset`](Self::preset) and [`load`](Self::load).
    pub fn preset_or_file(name: &str) -> Result<Self, ConfigError> {
        let path = Path::new(name);
        match path.extension().is_some_and(|extension| extension == "json") {
            true => Self::load(path),
            false => Self::preset(name),
        }
    }

    /// A configuration from JSON text; `origin` names it in errors.
    ///
    /// # Errors
    ///
    /// When the text has an unknown key or contradicts itself.
    pub fn from_json(json: &str, origin: &str) -> Result<Self, ConfigError> {
        let config: Self = serde_json::from_str(json)
            .map_err(|source| ConfigError::Parse { origin: origin.into(), source })?;
        config.validate()?;
        Ok(config)
    }

    /// Checks that the numbers fit together.
    ///
    /// # Errors
    ///
    /// [`ConfigError::Contradiction`] with the first pair that does not.
    pub fn validate(&self) -> Result<(), ConfigError> {
        require(self.embed_dim > 0, || "embed_dim is 0".into())?;
        self.vision_cfg.validate()?;
        self.text_cfg.validate()
    }
}

impl VisionConfig {
    /// Number of attention heads: of the transformer, or of the ResNet's attention pooling.
    pub fn heads(&self) -> usize {
        match self.layers {
            VisionLayers::Transformer(_) => self.width / self.head_width,
            VisionLayers::Stages(_) => self.width * 32 / self.head_width,
        }
    }

    fn validate(&self) -> Result<(), ConfigError> {
        let Self { image_size, width, head_width, mlp_ratio, .. } = *self;
        require_hidden("vision_cfg", width, mlp_ratio)?;
        require(image_size > 0 && width > 0 && head_width > 0, || {
            "vision_cfg: image_size, width and head_width must be above 0".into()
        })?;
        match (&self.layers, self.patch_size) {
            (VisionLayers::Transformer(layers), Some(patch)) => {
                require(*layers > 0, || "vision_cfg: layers is 0".into())?;
                require(patch > 0 && image_size.is_multiple_of(patch), || {
                    format!(
                        "vision_cfg: image_size {image_size} is no multiple of patch_size {patch}"
                    )
                })?;
                require(width.is_multiple_of(head_width), || {
                    format!("vision_cfg: width {width} is no multiple of head_width {head_width}")
                })
            }
            (VisionLayers::Transformer(_), None) => require(false, || {
                "vision_cfg: a ViT (layers is a number) needs a patch_size".into()
            }),
            (VisionLayers::Stages(_), Some(_)) => require(false, || {
                "vision_cfg: a ModifiedResNet (layers lists four stages) has no patch_size".into()
            }),
            (VisionLayers::Stages(stages), None) => {
                require(stages.iter().all(|blocks| *blocks > 0), || {
                    "vision_cfg: every stage of a ModifiedResNet needs a block".into()
                })?;
                require(width.is_multiple_of(2), || format!("vision_cfg: width {width} is odd"))?;
                require(image_size.is_multiple_of(32), || {
                    format!("vision_cfg: image_size {image_size} is no multiple of 32")
                })?;
                require((width * 32).is_multiple_of(head_width), || {
                    let features = width * 32;
                    format!(
                        "vision_cfg: feature width {features} is no multiple of head_width {head_width}"
                    )
                })
            }
        }
    }
}

impl TextConfig {
    fn validate(&self) -> Result<(), ConfigError> {
        let Self { context_length, vocab_size, width, heads, layers, mlp_ratio } = *self;
        require_hidden("text_cfg", width, mlp_ratio)?;
        require(width > 0 && heads > 0 && layers > 0, || {
            "text_cfg: width, heads and layers must be above 0".into()
        })?;
        require(width.is_multiple_of(heads), || {
            format!("text_cfg: width {width} is no multiple of heads {heads}")
        })?;
        require(context_length >= 3, || {
            format!(
                "text_cfg: context_length {context_length} leaves no room for a token between start and end"
            )
        })?;
        require(vocab_size >= 3, || format!("text_cfg: vocab_size {vocab_size} is too small"))
    }
}

fn require_hidden(tower: &str, width: usize, mlp_ratio: f64) -> Result<(), ConfigError> {
    let hidden = width as f64 * mlp_ratio;
    require(hidden.is_finite() && hidden >= 1.0, || {
        format!("{tower}: width {width} and mlp_ratio {mlp_ratio} leave no hidden layer")
    })
}

fn require(holds: bool, message: impl FnOnce() -> String) -> Result<(), ConfigError> {
    match holds {
        true => Ok(()),
        false => Err(ConfigError::Contradiction(message())),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn every_preset_is_valid_and_survives_a_round_trip() {
        for name in presets() {
            let config = ClipConfig::preset(name).unwrap();
            let json = serde_json::to_string(&config).unwrap();
            assert_eq!(ClipConfig::from_json(&json, name).unwrap(), config);
        }
    }

    #[test]
    fn an_unknown_key_is_named() {
        let json = include_str!("../presets/ViT-B-32.json")
            .replace("\"width\": 768", "\"width\": 768, \"wdith\": 1");
        let error = ClipConfig::from_json(&json, "mine.json").unwrap_err().to_string();
        assert!(error.contains("mine.json") && error.contains("wdith"), "{error}");
    }

    #[test]
    fn a_contradiction_is_named() {
        let mut config = ClipConfig::preset("ViT-B-32").unwrap();
        config.vision_cfg.patch_size = Some(33);
        let error = config.validate().unwrap_err().to_string();
        assert!(error.contains("224") && error.contains("33"), "{error}");
    }

    #[test]
    fn an_unknown_name_lists_the_presets() {
        let error = ClipConfig::preset("ViT-X").unwrap_err().to_string();
        assert!(error.contains("ViT-X") && error.contains("ViT-B-32"), "{error}");
    }
}
