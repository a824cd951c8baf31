//! Between transformers' `config.json` and open_clip's.

use serde_json::{Map, Value, json};

use crate::{
    Activation, AttentionalPool, ClipConfig, ConfigError, TextPool, TextProjectionKind,
    VisionLayers, VisionPool,
};

/// The configuration in a `config.json` of transformers; `origin` names it in errors.
pub(crate) fn import_config(value: &Value, origin: &str) -> Result<ClipConfig, ConfigError> {
    let unsupported = |what: String| ConfigError::Unsupported { origin: origin.into(), what };
    let kind = match value["model_type"].as_str() {
        Some("clip") => &CLIP,
        Some("siglip") => &SIGLIP,
        Some("siglip2") => {
            return Err(unsupported("SigLIP 2 with patches of any aspect (NaFlex)".into()));
        }
        other => {
            let found = other.unwrap_or("none");
            return Err(unsupported(format!("model_type `{found}` (supported: clip, siglip)")));
        }
    };
    let open_clip = Import { value, kind }.open_clip().map_err(unsupported)?;
    ClipConfig::from_value(open_clip, origin)
}

/// What transformers assumes where a `config.json` says nothing.
struct Kind {
    siglip: bool,
    activation: &'static str,
    epsilon: f64,
    vocabulary: u64,
    context: u64,
    text_hidden: u64,
    text_heads: u64,
    text_width: u64,
    patch: u64,
}

const CLIP: Kind = Kind {
    siglip: false,
    activation: "quick_gelu",
    epsilon: 1e-5,
    vocabulary: 49_408,
    context: 77,
    text_hidden: 2048,
    text_heads: 8,
    text_width: 512,
    patch: 32,
};

const SIGLIP: Kind = Kind {
    siglip: true,
    activation: "gelu_pytorch_tanh",
    epsilon: 1e-6,
    vocabulary: 32_000,
    context: 64,
    text_hidden: 3072,
    text_heads: 12,
    text_width: 768,
    patch: 16,
};

struct Import<'a> {
    value: &'a Value,
    kind: &'a Kind,
}

impl Import<'_> {
    fn open_clip(&self) -> Result<Value, String> {
        let (text, vision) = (self.tower("text_config"), self.tower("vision_config"));
        let siglip = self.kind.siglip;
        let (quick_text, text_act) = self.activation(text)?;
        let (quick_vision, vision_act) = self.activation(vision)?;
        if !siglip && quick_text != quick_vision {
            return Err("one tower with QuickGELU and one without".into());
        }
        if siglip && (quick_text || quick_vision) {
            return Err("SigLIP with QuickGELU".into());
        }
        let text_width = number(text, "hidden_size", self.kind.text_width)?;
        let width = number(vision, "hidden_size", 768)?;
        let embed = match siglip {
            true => width,
            false => number(self.value, "projection_dim", 512)?,
        };
        let mut vision_cfg = json!({
            "image_size": number(vision, "image_size", 224)?,
            "layers": number(vision, "num_hidden_layers", 12)?,
            "width": width,
            "head_width": width / number(vision, "num_attention_heads", 12)?.max(1),
            "patch_size": number(vision, "patch_size", self.kind.patch)?,
            "mlp_ratio": ratio(number(vision, "intermediate_size", 3072)?, width),
            "act_kwargs": vision_act,
            "norm_kwargs": self.norm(vision),
        });
        let mut text_cfg = json!({
            "context_length": number(text, "max_position_embeddings", self.kind.context)?,
            "vocab_size": number(text, "vocab_size", self.kind.vocabulary)?,
            "width": text_width,
            "heads": number(text, "num_attention_heads", self.kind.text_heads)?,
            "layers": number(text, "num_hidden_layers", 12)?,
            "mlp_ratio": ratio(number(text, "intermediate_size", self.kind.text_hidden)?, text_width),
            "act_kwargs": text_act,
            "norm_kwargs": self.norm(text),
        });
        let mut top = json!({ "embed_dim": embed, "quick_gelu": quick_text });
        if siglip {
            vision_cfg["pool_type"] = json!("map");
            text_cfg["pool_type"] = json!("last");
            text_cfg["no_causal_mask"] = json!(true);
            text_cfg["proj_bias"] = json!(true);
            text_cfg["hf_tokenizer_name"] = json!("tokenizer.json");
            // As open_clip for both; transformers keeps the punctuation of SigLIP 2's texts.
            text_cfg["tokenizer_kwargs"] = json!({ "clean": "canonicalize" });
            top["init_logit_bias"] = json!(-10.0);
            top["custom_text"] = json!(true);
            if vision["vision_use_head"] == json!(false) {
                return Err("SigLIP without its pooling head (vision_use_head)".into());
            }
        } else if let Some(end) = self.end_of_text(text, &text_cfg) {
            text_cfg["pool_type"] = json!("eos");
            text_cfg["eos_id"] = json!(end);
        }
        top["vision_cfg"] = vision_cfg;
        top["text_cfg"] = text_cfg;
        Ok(top)
    }

    /// A tower's keys. Files written before 2023 may have a second set of them, which with its
    /// defaults wins over the first.
    fn tower(&self, name: &str) -> &Value {
        match &self.value[format!("{name}_dict")] {
            second @ Value::Object(_) if !self.kind.siglip => second,
            _ => &self.value[name],
        }
    }

    /// QuickGELU or not, and the options of the GELU.
    fn activation(&self, tower: &Value) -> Result<(bool, Value), String> {
        match tower["hidden_act"].as_str().unwrap_or(self.kind.activation) {
            "quick_gelu" => Ok((true, Value::Null)),
            "gelu" => Ok((false, Value::Null)),
            "gelu_pytorch_tanh" | "gelu_new" => Ok((false, json!({ "approximate": "tanh" }))),
            other => Err(format!("the activation `{other}` (hidden_act)")),
        }
    }

    fn norm(&self, tower: &Value) -> Value {
        match tower["layer_norm_eps"].as_f64().unwrap_or(self.kind.epsilon) {
            1e-5 => Value::Null,
            epsilon => json!({ "eps": epsilon }),
        }
    }

    /// The id whose position is the feature, where that is not the largest id. (transformers
    /// takes the largest when the configuration says 2, as those written before mid-2023 do.)
    fn end_of_text(&self, text: &Value, text_cfg: &Value) -> Option<i64> {
        let end = text["eos_token_id"].as_i64().unwrap_or(49_407);
        let largest = text_cfg["vocab_size"].as_i64()? - 1;
        (end != 2 && end != largest).then_some(end)
    }
}

fn number(value: &Value, key: &str, default: u64) -> Result<u64, String> {
    match &value[key] {
        Value::Null => Ok(default),
        found => found.as_u64().ok_or_else(|| format!("{key} = {found}, which is no size")),
    }
}

/// The ratio that gives `hidden` back when `width` times it is rounded down; open_clip's
/// configurations have four digits, so four are tried first.
fn ratio(hidden: u64, width: u64) -> f64 {
    let exact = hidden as f64 / width.max(1) as f64;
    let short = (exact * 1e4).ceil() / 1e4;
    let candidates = [short, exact, exact.next_up()];
    let gives = |ratio: &f64| (width as f64 * ratio) as u64 == hidden;
    candidates.into_iter().find(gives).unwrap_or(exact)
}

/// The `config.json` of the same model in transformers.
///
/// The error says what transformers has no counterpart of.
pub(crate) fn export_config(config: &ClipConfig) -> Result<Value, String> {
    let siglip = config.vision_cfg.pool_type == VisionPool::Map;
    match siglip {
        true => require_siglip(config)?,
        false => require_clip(config)?,
    }
    let VisionLayers::Transformer(layers) = config.vision_cfg.layers else {
        return Err("a ModifiedResNet".into());
    };
    let (vision, text) = (&config.vision_cfg, &config.text_cfg);
    let mut vision_config = tower(
        [vision.width, layers, vision.heads()],
        vision.mlp_ratio,
        config.vision_activation(),
        vision.norm_kwargs.map_or(1e-5, |norm| norm.eps),
    );
    vision_config.insert("image_size".into(), json!(vision.image_size));
    vision_config.insert("patch_size".into(), json!(vision.patch_size));
    let mut text_config = tower(
        [text.width, text.layers, text.heads],
        text.mlp_ratio,
        config.text_activation(),
        text.norm_kwargs.map_or(1e-5, |norm| norm.eps),
    );
    text_config.insert("vocab_size".into(), json!(text.vocab_size));
    text_config.insert("max_position_embeddings".into(), json!(text.context_length));
    let (model, name) = match siglip {
        true => {
            vision_config.insert("model_type".into(), json!("siglip_vision_model"));
            text_config.insert("model_type".into(), json!("siglip_text_model"));
            text_config.insert("projection_size".into(), json!(config.embed_dim));
            ("siglip", "SiglipModel")
        }
        false => {
            vision_config.insert("model_type".into(), json!("clip_vision_model"));
            text_config.insert("model_type".into(), json!("clip_text_model"));
            for tower in [&mut vision_config, &mut text_config] {
                tower.insert("projection_dim".into(), json!(config.embed_dim));
            }
            // 2 makes transformers take the position of the largest id, as open_clip does.
            let end = if text.pool_type == TextPool::Eos { text.eos_id } else { 2 };
            text_config.insert("eos_token_id".into(), json!(end));
            ("clip", "CLIPModel")
        }
    };
    Ok(json!({
        "architectures": [name],
        "model_type": model,
        "projection_dim": config.embed_dim,
        "torch_dtype": "float32",
        "text_config": text_config,
        "vision_config": vision_config,
    }))
}

fn tower(
    [width, layers, heads]: [usize; 3],
    mlp_ratio: f64,
    activation: Activation,
    epsilon: f64,
) -> Map<String, Value> {
    let name = match activation {
        Activation::QuickGelu => "quick_gelu",
        Activation::Gelu => "gelu",
        Activation::GeluTanh => "gelu_pytorch_tanh",
    };
    let keys = [
        ("hidden_size", json!(width)),
        ("intermediate_size", json!((width as f64 * mlp_ratio) as usize)),
        ("num_hidden_layers", json!(layers)),
        ("num_attention_heads", json!(heads)),
        ("hidden_act", json!(name)),
        ("layer_norm_eps", json!(epsilon)),
    ];
    keys.into_iter().map(|(key, value)| (key.to_string(), value)).collect()
}

fn require_clip(config: &ClipConfig) -> Result<(), String> {
    let (vision, text) = (&config.vision_cfg, &config.text_cfg);
    refuse(&[
        (matches!(vision.layers, VisionLayers::Stages(_)), "a ModifiedResNet"),
        (vision.ls_init_value.is_some() || text.ls_init_value.is_some(), "layer scale"),
        (vision.no_ln_pre, "an image tower without ln_pre"),
        (vision.pool_type != VisionPool::Tok, "mean pooling"),
        (vision.attentional_pool != AttentionalPool::Off, "attentional pooling"),
        (text.no_causal_mask, "a text tower without a causal mask"),
        (text.embed_cls, "a learned token after the text"),
        (!matches!(text.pool_type, TextPool::Argmax | TextPool::Eos), "text pooling at an end"),
        (text.pool_type == TextPool::Eos && text.eos_id == 2, "end of text at id 2"),
        (text.proj_bias, "a text projection with a bias"),
        (text.proj_type == TextProjectionKind::None, "no text projection"),
        (config.init_logit_bias.is_some(), "a logit bias beside a class token"),
    ])
}

fn require_siglip(config: &ClipConfig) -> Result<(), String> {
    let (vision, text) = (&config.vision_cfg, &config.text_cfg);
    refuse(&[
        (vision.ls_init_value.is_some() || text.ls_init_value.is_some(), "layer scale"),
        (!text.no_causal_mask, "a causal mask in SigLIP's text tower"),
        (text.embed_cls, "a learned token after the text"),
        (text.pool_type != TextPool::Last, "SigLIP with text pooling other than the last token"),
        (
            !text.proj_bias || text.proj_type == TextProjectionKind::None,
            "SigLIP's text head without a bias",
        ),
        (config.init_logit_bias.is_none(), "SigLIP without a logit bias"),
    ])
}

fn refuse(cases: &[(bool, &str)]) -> Result<(), String> {
    match cases.iter().find(|(present, _)| *present) {
        Some((_, what)) => Err((*what).into()),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::presets;

    #[test]
    fn every_preset_that_transformers_has_survives_a_round_trip() {
        let mut exported = 0;
        for name in presets() {
            let config = ClipConfig::preset(name).unwrap();
            let Ok(json) = export_config(&config) else { continue };
            let mut back = import_config(&json, name).unwrap();
            // Which tokenizer it was trained with is not in the file.
            back.text_cfg.hf_tokenizer_name.clone_from(&config.text_cfg.hf_tokenizer_name);
            back.text_cfg.tokenizer_kwargs.clone_from(&config.text_cfg.tokenizer_kwargs);
            assert_eq!(back, config, "{name}");
            exported += 1;
        }
        assert!(exported > 40, "{exported}");
    }

    #[test]
    fn what_transformers_lacks_is_named() {
        let refused = |name: &str| export_config(&ClipConfig::preset(name).unwrap()).unwrap_err();
        assert_eq!(refused("RN50"), "a ModifiedResNet");
        assert_eq!(refused("ViT-L-14-CLIPA"), "an image tower without ln_pre");
        assert_eq!(refused("ViT-M-16-alt"), "layer scale");
    }

    #[test]
    fn a_second_set_of_keys_wins_with_its_defaults() {
        let mut json = export_config(&ClipConfig::preset("ViT-B-32").unwrap()).unwrap();
        for tower in ["text_config", "vision_config"] {
            json[format!("{tower}_dict")] = json!({ "num_hidden_layers": 3 });
        }
        let config = import_config(&json, "config.json").unwrap();
        assert_eq!((config.text_cfg.layers, config.quick_gelu), (3, true));
    }

    #[test]
    fn towers_with_different_activations_are_refused() {
        let mut json = export_config(&ClipConfig::preset("ViT-B-32").unwrap()).unwrap();
        json["text_config"]["hidden_act"] = json!("quick_gelu");
        let error = import_config(&json, "config.json").unwrap_err().to_string();
        assert!(error.contains("QuickGELU"), "{error}");
    }
}
