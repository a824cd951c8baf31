//! Between open_clip's JSON and ours: we have no timm names, and no keys of towers that we lack.

use serde_json::{Map, Value, json};

use super::{ClipConfig, VisionPool, siglip};

/// Keys of attention blocks that no released model uses, with the values that turn them off.
const BLOCK_KEYS: [&str; 7] = [
    "block_type",
    "qk_norm",
    "scaled_cosine_attn",
    "scale_heads",
    "scale_attn_inner",
    "scale_attn",
    "scale_fc",
];

/// Keys that say nothing once a tower is known to be none of timm's or Hugging Face's.
const IDLE_VISION: [&str; 7] = [
    "timm_model_name",
    "timm_model_pretrained",
    "timm_pool",
    "timm_proj",
    "timm_proj_bias",
    "timm_drop",
    "timm_drop_path",
];
const IDLE_TEXT: [&str; 4] =
    ["hf_model_name", "hf_model_pretrained", "hf_proj_type", "hf_pooler_type"];

/// open_clip's JSON in our keys, or what in it is not supported.
///
/// Accepts the whole `open_clip_config.json` too, whose model is under `model_cfg`.
pub(super) fn plain(mut value: Value) -> Result<Value, String> {
    if let Some(model) = value.get_mut("model_cfg") {
        value = model.take();
    }
    let Some(top) = value.as_object_mut() else { return Ok(value) };
    if top.get("multimodal_cfg").is_some_and(|config| !config.is_null()) {
        return Err("CoCa's multimodal decoder (multimodal_cfg)".into());
    }
    if top.get("audio_cfg").is_some_and(|config| !config.is_null()) {
        return Err("an audio tower (audio_cfg)".into());
    }
    top.remove("multimodal_cfg");
    top.remove("audio_cfg");
    drop_nulls(top);
    if let Some(vision) = top.get_mut("vision_cfg").and_then(Value::as_object_mut) {
        plain_vision(vision)?;
    }
    if let Some(text) = top.get_mut("text_cfg").and_then(Value::as_object_mut) {
        plain_text(text)?;
    }
    Ok(value)
}

fn plain_vision(vision: &mut Map<String, Value>) -> Result<(), String> {
    refuse_blocks(vision, "vision_cfg")?;
    if let Some(name) = vision.get("timm_model_name").and_then(Value::as_str) {
        *vision = siglip_keys(name, vision)?;
    }
    for key in IDLE_VISION {
        vision.remove(key);
    }
    // open_clip's default; a ModifiedResNet has none.
    let stages = vision.get("layers").is_some_and(Value::is_array);
    if !stages && !vision.contains_key("patch_size") {
        vision.insert("patch_size".into(), json!(16));
    }
    Ok(())
}

/// Our keys for a SigLIP tower that open_clip takes from timm.
fn siglip_keys(name: &str, vision: &Map<String, Value>) -> Result<Map<String, Value>, String> {
    let unsupported = || {
        format!(
            "the image tower `{name}` of timm (supported: open_clip's own ViT and ModifiedResNet, \
             and timm's vit_*_siglip_* with timm_pool `map` and timm_proj `none`)"
        )
    };
    let model = siglip::by_name(name).ok_or_else(unsupported)?;
    let is = |key: &str, value: &str| vision.get(key).is_some_and(|found| found == value);
    if !is("timm_pool", "map") || !is("timm_proj", "none") {
        return Err(unsupported());
    }
    let mut keys = model.keys();
    if let Some(size) = vision.get("image_size").filter(|size| **size != json!(model.image_size)) {
        return Err(format!("the image tower `{name}` of timm at image_size {size}"));
    }
    for key in ["patch_dropout", "output_tokens"] {
        if let Some(value) = vision.get(key) {
            keys.insert(key.into(), value.clone());
        }
    }
    Ok(keys)
}

fn plain_text(text: &mut Map<String, Value>) -> Result<(), String> {
    refuse_blocks(text, "text_cfg")?;
    if let Some(name) = text.get("hf_model_name") {
        return Err(format!("the text tower {name} of Hugging Face (hf_model_name)"));
    }
    for key in IDLE_TEXT {
        text.remove(key);
    }
    Ok(())
}

/// Refuses attention blocks that are not supported, and drops keys that turn them off.
fn refuse_blocks(tower: &mut Map<String, Value>, name: &str) -> Result<(), String> {
    drop_nulls(tower);
    for key in BLOCK_KEYS {
        match tower.remove(key) {
            None | Some(Value::Bool(false)) => {}
            Some(Value::String(kind)) if kind == "default" => {}
            Some(value) => return Err(format!("the attention option {key} = {value} in {name}")),
        }
    }
    Ok(())
}

fn drop_nulls(keys: &mut Map<String, Value>) {
    keys.retain(|_, value| !value.is_null());
}

/// The configuration as open_clip reads it.
pub(super) fn export(config: &ClipConfig) -> Result<Value, String> {
    let mut value = serde_json::to_value(config).map_err(|error| error.to_string())?;
    if config.vision_cfg.pool_type == VisionPool::Map
        && let Some(vision) = value.get_mut("vision_cfg").and_then(Value::as_object_mut)
    {
        let model = siglip::Siglip::by_keys(vision)
            .ok_or("a SigLIP image tower of these sizes and this GELU, which timm does not name")?;
        let free = ["patch_dropout", "output_tokens"];
        let kept = free.map(|key| Some((key.to_string(), vision.remove(key)?)));
        *vision = Map::new();
        vision.insert("image_size".into(), json!(model.image_size));
        vision.insert("timm_model_name".into(), json!(model.name));
        vision.insert("timm_model_pretrained".into(), json!(false));
        vision.insert("timm_pool".into(), json!("map"));
        vision.insert("timm_proj".into(), json!("none"));
        vision.extend(kept.into_iter().flatten());
    }
    Ok(value)
}
