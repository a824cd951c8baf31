//! What a model is made of, in open_clip's JSON format.

mod kind;
mod open_clip;
mod presets;
mod siglip;
mod text;
mod vision;

pub use kind::*;
pub use presets::presets;
pub use text::*;
pub use vision::*;

use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Activation, ConfigError};

/// A CLIP model, in open_clip's JSON format.
///
/// A key that this crate does not know is refused, because it would change the numbers. Towers
/// that are not open_clip's own ViT, ModifiedResNet, text transformer or timm's SigLIP are refused
/// by name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClipConfig {
    /// Width of the space shared by images and texts.
    pub embed_dim: usize,
    /// Whether both towers use QuickGELU, `x * sigmoid(1.702 x)`, as OpenAI's weights do, in
    /// place of the exact GELU. SigLIP's image tower has its own. Default: false.
    #[serde(default)]
    pub quick_gelu: bool,
    /// Initial natural logarithm of the factor on cosine similarities. Default: ln(1 / 0.07).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub init_logit_scale: Option<f64>,
    /// Initial bias of the logits (SigLIP's is -10). Default: no bias.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub init_logit_bias: Option<f64>,
    /// Whether scale and bias are stored with the shape `[1]` in place of `[]`. Default: false.
    #[serde(default, skip_serializing_if = "is_false")]
    pub nonscalar_logit_scale: bool,
    /// Whether open_clip keeps the text tower's tensors under `text.`. Default: false.
    #[serde(default, skip_serializing_if = "is_false")]
    pub custom_text: bool,
    /// The image tower.
    pub vision_cfg: VisionConfig,
    /// The text tower.
    pub text_cfg: TextConfig,
}

impl ClipConfig {
    /// A shipped configuration; the suffix `-quickgelu` asks for QuickGELU, as in open_clip.
    ///
    /// # Errors
    ///
    /// [`ConfigError::UnknownModel`] when there is none of this name.
    pub fn preset(name: &str) -> Result<Self, ConfigError> {
        if let Some(json) = presets::json(name) {
            return Self::from_json(json, name);
        }
        let base = name.strip_suffix("-quickgelu").and_then(presets::json);
        let json = base.ok_or_else(|| ConfigError::UnknownModel {
            name: name.into(),
            known: presets().collect::<Vec<_>>().join(", "),
        })?;
        Ok(Self { quick_gelu: true, ..Self::from_json(json, name)? })
    }

    /// A configuration from an open_clip JSON file: a model's, or an `open_clip_config.json`.
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
    /// When the text has an unknown key, asks for a tower that is not supported, or contradicts
    /// itself.
    pub fn from_json(json: &str, origin: &str) -> Result<Self, ConfigError> {
        let parse = |source| ConfigError::Parse { origin: origin.into(), source };
        let value: Value = serde_json::from_str(json).map_err(parse)?;
        Self::from_value(value, origin)
    }

    /// A configuration from open_clip's JSON; `origin` names it in errors.
    ///
    /// # Errors
    ///
    /// As [`from_json`](Self::from_json).
    pub fn from_value(value: Value, origin: &str) -> Result<Self, ConfigError> {
        let plain = open_clip::plain(value)
            .map_err(|what| ConfigError::Unsupported { origin: origin.into(), what })?;
        let config: Self = serde_json::from_value(plain)
            .map_err(|source| ConfigError::Parse { origin: origin.into(), source })?;
        config.validate()?;
        Ok(config)
    }

    /// A configuration from the `config.json` of transformers' `CLIPModel` or `SiglipModel`; `origin`
    /// names it in errors.
    ///
    /// # Errors
    ///
    /// When it is another model's, or asks for what is not supported.
    pub fn from_hugging_face(value: &Value, origin: &str) -> Result<Self, ConfigError> {
        crate::weights::import_config(value, origin)
    }

    /// The `config.json` of the same model in transformers.
    ///
    /// # Errors
    ///
    /// [`ConfigError::Export`] with what transformers has no counterpart of: a ModifiedResNet,
    /// layer scale, ...
    pub fn to_hugging_face(&self) -> Result<Value, ConfigError> {
        crate::weights::export_config(self).map_err(|lacks| {
            let what = format!("transformers' CLIPModel and SiglipModel don't have {lacks}");
            ConfigError::Export(what)
        })
    }

    /// The configuration as open_clip's JSON, which open_clip builds the same model from.
    ///
    /// # Errors
    ///
    /// [`ConfigError::Export`] when open_clip has no such model: a SigLIP image tower that timm does
    /// not name.
    pub fn to_open_clip(&self) -> Result<Value, ConfigError> {
        open_clip::export(self).map_err(ConfigError::Export)
    }

    /// Checks that the numbers fit together.
    ///
    /// # Errors
    ///
    /// [`ConfigError::Contradiction`] with the first pair that does not.
    pub fn validate(&self) -> Result<(), ConfigError> {
        require_sizes("the model", &[("embed_dim", self.embed_dim)])?;
        self.vision_cfg.validate(self.embed_dim)?;
        self.text_cfg.validate(self.embed_dim)?;
        let takes_options = [&self.vision_cfg.act_kwargs, &self.text_cfg.act_kwargs];
        require(!self.quick_gelu || takes_options.iter().all(|options| options.is_none()), || {
            "quick_gelu has no act_kwargs: they are those of the exact GELU".into()
        })
    }

    /// The non-linearity of the image tower.
    pub(crate) fn vision_activation(&self) -> Activation {
        // timm's towers have their own, whatever open_clip's flag says.
        let quick = self.quick_gelu && self.vision_cfg.pool_type != VisionPool::Map;
        Activation::of(quick, self.vision_cfg.act_kwargs)
    }

    /// The non-linearity of the text tower.
    pub(crate) fn text_activation(&self) -> Activation {
        Activation::of(self.quick_gelu, self.text_cfg.act_kwargs)
    }
}

fn is_false(value: &bool) -> bool {
    !value
}

fn require(holds: bool, message: impl FnOnce() -> String) -> Result<(), ConfigError> {
    match holds {
        true => Ok(()),
        false => Err(ConfigError::Contradiction(message())),
    }
}

fn require_hidden(tower: &str, width: usize, mlp_ratio: f64) -> Result<(), ConfigError> {
    let hidden = width as f64 * mlp_ratio;
    require(hidden >= 1.0 && hidden <= MOST as f64, || {
        format!("{tower}: width {width} and mlp_ratio {mlp_ratio} leave no hidden layer")
    })
}

/// Above any size that makes sense, below any that overflows when a few are multiplied.
const MOST: usize = 1 << 20;

/// Above any depth, resolution or number of positions that makes sense: a file may not ask for a
/// model that no memory holds.
const MOST_LAYERS: usize = 1024;
const MOST_PIXELS: usize = 16_384;
const MOST_POSITIONS: usize = 1 << 16;

fn require_most(tower: &str, name: &str, size: usize, most: usize) -> Result<(), ConfigError> {
    require(size <= most, || format!("{tower}: {name} {size} is above {most}"))
}

fn require_sizes(tower: &str, sizes: &[(&str, usize)]) -> Result<(), ConfigError> {
    for (name, size) in sizes {
        require((1..=MOST).contains(size), || {
            format!("{tower}: {name} {size} isn't in 1..={MOST}")
        })?;
    }
    Ok(())
}

fn require_options(
    tower: &str,
    init: Option<f64>,
    norm: Option<NormOptions>,
) -> Result<(), ConfigError> {
    let epsilon = norm.map_or(1e-5, |norm| norm.eps);
    require(epsilon > 0.0 && epsilon < 1.0, || format!("{tower}: eps {epsilon} is not in (0, 1)"))?;
    require(init.is_none_or(f64::is_finite), || format!("{tower}: ls_init_value is not finite"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_preset_is_valid_and_survives_a_round_trip() {
        assert!(presets().count() > 80);
        for name in presets() {
            let config = ClipConfig::preset(name).unwrap();
            let json = serde_json::to_string(&config).unwrap();
            assert_eq!(ClipConfig::from_json(&json, name).unwrap(), config, "{name}");
            let open_clip = config.to_open_clip().unwrap();
            assert_eq!(ClipConfig::from_value(open_clip, name).unwrap(), config, "{name}");
        }
    }

    #[test]
    fn a_siglip_preset_knows_its_image_tower() {
        let config = ClipConfig::preset("ViT-SO400M-14-SigLIP2-378").unwrap();
        let vision = &config.vision_cfg;
        assert_eq!((vision.width, vision.heads(), vision.patch_size), (1152, 16, Some(14)));
        assert_eq!(vision.pool_type, VisionPool::Map);
        let json = config.to_open_clip().unwrap();
        assert_eq!(json["vision_cfg"]["timm_model_name"], "vit_so400m_patch14_siglip_378");
    }

    #[test]
    fn quickgelu_is_a_suffix_of_every_name() {
        assert!(ClipConfig::preset("ViT-B-32-quickgelu").unwrap().quick_gelu);
        assert!(ClipConfig::preset("ViT-S-16-quickgelu").unwrap().quick_gelu);
    }

    #[test]
    fn an_unknown_key_is_named() {
        let json = presets::json("ViT-B-32")
            .unwrap()
            .replace("\"width\": 768", "\"width\": 768, \"wdith\": 1");
        let error = ClipConfig::from_json(&json, "mine.json").unwrap_err().to_string();
        assert!(error.contains("mine.json") && error.contains("wdith"), "{error}");
    }

    #[test]
    fn towers_that_are_not_ours_are_refused_by_name() {
        let with = |from: &str, to: &str| {
            let json = presets::json("ViT-B-32").unwrap().replacen(from, to, 1);
            ClipConfig::from_json(&json, "mine.json").unwrap_err().to_string()
        };
        let error =
            with("\"image_size\"", "\"timm_model_name\": \"convnext_base\", \"image_size\"");
        assert!(error.contains("convnext_base"), "{error}");
        let error =
            with("\"context_length\"", "\"hf_model_name\": \"roberta-base\", \"context_length\"");
        assert!(error.contains("roberta-base"), "{error}");
        let error = with("\"embed_dim\"", "\"multimodal_cfg\": {}, \"embed_dim\"");
        assert!(error.contains("CoCa"), "{error}");
        let error = with("\"image_size\"", "\"qk_norm\": true, \"image_size\"");
        assert!(error.contains("qk_norm"), "{error}");
    }

    #[test]
    fn open_clip_keys_at_their_neutral_values_are_accepted() {
        let json = presets::json("ViT-B-32").unwrap().replacen(
            "\"image_size\"",
            "\"qk_norm\": false, \"block_type\": null, \"timm_model_name\": null, \"timm_pool\": \"avg\", \"image_size\"",
            1,
        );
        let config = ClipConfig::from_json(&json, "mine.json").unwrap();
        assert_eq!(config, ClipConfig::preset("ViT-B-32").unwrap());
    }

    #[test]
    fn a_contradiction_is_named() {
        let mut config = ClipConfig::preset("ViT-B-32").unwrap();
        config.vision_cfg.patch_size = Some(225);
        let error = config.validate().unwrap_err().to_string();
        assert!(error.contains("224") && error.contains("225"), "{error}");
    }

    #[test]
    fn an_unknown_name_lists_the_presets() {
        let error = ClipConfig::preset("ViT-X").unwrap_err().to_string();
        assert!(error.contains("ViT-X") && error.contains("ViT-B-32"), "{error}");
    }
}
