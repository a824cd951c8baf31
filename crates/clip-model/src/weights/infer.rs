//! The architecture of a checkpoint that carries no configuration, from names and shapes.

use std::collections::BTreeMap;

use burn::module::{Module, ModuleVisitor, Param};
use burn::tensor::{Device, Tensor};
use serde_json::json;

use super::keys::reference_key;
use super::naming::{is_idle, without_text};
use super::state_dict::{Format, StateDict};
use crate::{ClipConfig, WeightsError, presets};

/// Names and shapes of a model, without `text.`.
type Shapes = BTreeMap<String, Vec<usize>>;

/// The architecture of `weights`.
///
/// Shapes don't say how many heads there are, so the shipped configuration whose every tensor fits
/// is taken; OpenAI's own archives all have heads of 64 channels. Which GELU it is they don't say
/// either: QuickGELU in OpenAI's archives, else `quick_gelu` has to.
pub(super) fn infer(
    weights: &StateDict,
    quick_gelu: Option<bool>,
    device: &Device,
) -> Result<ClipConfig, WeightsError> {
    let fail = |reason: String| WeightsError::NoConfig { path: weights.path().into(), reason };
    if weights.is_hugging_face() {
        return Err(fail("it is transformers', whose config.json has to lie beside it".into()));
    }
    let shapes: Shapes = weights
        .names()
        .filter(|name| !is_idle(name))
        .filter_map(|name| Some((without_text(name).into(), weights.get(name)?.shape.clone())))
        .collect();
    let mut shapes = shapes;
    let biased = shapes.remove("logit_bias").is_some();
    let scripted = weights.format() == Format::TorchScript;
    let mut fitting = fitting_presets(&shapes, device).map_err(&fail)?;
    if fitting.is_empty() && scripted {
        let config = of_openai(&shapes)
            .ok_or_else(|| fail("its tensors are not those of OpenAI's models".into()))?;
        fitting.push(("OpenAI's".into(), config));
    }
    let [(first, config), others @ ..] = &fitting[..] else {
        return Err(fail("no shipped configuration has its tensors".into()));
    };
    if let Some((other, _)) = others.iter().find(|(_, other)| other != config) {
        return Err(fail(format!("its shapes are those of {first} and of {other}")));
    }
    // SigLIP's towers have a GELU of their own.
    let known = if scripted { Some(true) } else { quick_gelu };
    let siglip = config.init_logit_bias.is_some();
    let quick_gelu = if siglip { Some(false) } else { known };
    let quick_gelu = quick_gelu.ok_or_else(|| {
        fail(format!(
            "it has the shapes of {first}, but doesn't say whether with QuickGELU or GELU"
        ))
    })?;
    let init_logit_bias = config.init_logit_bias.or(biased.then_some(0.0));
    Ok(ClipConfig { quick_gelu, init_logit_bias, ..config.clone() })
}

/// The shipped configurations whose tensors these are, whatever their activation; image sizes are
/// the file's.
fn fitting_presets(shapes: &Shapes, device: &Device) -> Result<Vec<(String, ClipConfig)>, String> {
    let mut fitting = Vec::new();
    for name in presets() {
        let config = ClipConfig::preset(name).map_err(|error| error.to_string())?;
        let config = ClipConfig { quick_gelu: false, ..config };
        if let Some(config) = fitted(&config, shapes, device) {
            fitting.push((name.to_string(), config));
        }
    }
    // Two presets of other sizes may both fit a third; the one of the file's own size is exact.
    let exact: Vec<_> = fitting
        .iter()
        .filter(|(name, config)| {
            let preset = ClipConfig::preset(name);
            preset.is_ok_and(|p| p.vision_cfg.image_size == config.vision_cfg.image_size)
        })
        .cloned()
        .collect();
    Ok(if exact.is_empty() { fitting } else { exact })
}

/// The configuration at the file's image size, when every tensor fits.
fn fitted(config: &ClipConfig, shapes: &Shapes, device: &Device) -> Option<ClipConfig> {
    // Most presets fail here, before a model is built.
    let text = shapes.get("token_embedding.weight")?;
    if text[..] != [config.text_cfg.vocab_size, config.text_cfg.width] {
        return None;
    }
    let mut config = config.clone();
    if let Some(side) = grid_side(shapes) {
        let unit = config.vision_cfg.patch_size.unwrap_or(32);
        if config.vision_cfg.image_size / unit != side {
            config.vision_cfg.image_size = side * unit;
        }
    }
    (expected(&config, device) == *shapes).then_some(config)
}

/// Patches on a side of the image, from its position embedding.
fn grid_side(shapes: &Shapes) -> Option<usize> {
    let positions = |name: &str, leading: usize| {
        let shape = shapes.get(name)?;
        let positions = shape.get(shape.len().checked_sub(2)?)?.checked_sub(leading)?;
        let side = positions.isqrt();
        (side * side == positions && side > 0).then_some(side)
    };
    positions("visual.positional_embedding", 1)
        .or_else(|| positions("visual.attnpool.positional_embedding", 1))
        .or_else(|| positions("visual.trunk.pos_embed", 0))
}

/// What OpenAI's own loader reads from the shapes of its archives.
fn of_openai(shapes: &Shapes) -> Option<ClipConfig> {
    let shape = |name: &str| shapes.get(name).map(Vec::as_slice);
    let count = |prefix: &str, suffix: &str| {
        shapes.keys().filter(|name| name.starts_with(prefix) && name.ends_with(suffix)).count()
    };
    let &[context_length, width] = shape("positional_embedding")? else { return None };
    let &[vocab_size, _] = shape("token_embedding.weight")? else { return None };
    let &[_, embed_dim] = shape("text_projection")? else { return None };
    let side = grid_side(shapes)?;
    let blocks = |stage: usize| count(&format!("visual.layer{stage}."), ".conv1.weight");
    let vision_cfg = match *shape("visual.conv1.weight")? {
        [width, _, patch, _] if shapes.contains_key("visual.proj") => json!({
            "image_size": side.checked_mul(patch)?,
            "layers": count("visual.transformer.resblocks.", ".attn.in_proj_weight"),
            "width": width,
            "patch_size": patch,
        }),
        [half, ..] => json!({
            "image_size": side.checked_mul(32)?,
            "layers": [blocks(1), blocks(2), blocks(3), blocks(4)],
            "width": half.checked_mul(2)?,
        }),
        _ => return None,
    };
    let text_cfg = json!({
        "context_length": context_length,
        "vocab_size": vocab_size,
        "width": width,
        "heads": width / 64,
        "layers": count("transformer.resblocks.", ".attn.in_proj_weight"),
    });
    let config = json!({ "embed_dim": embed_dim, "vision_cfg": vision_cfg, "text_cfg": text_cfg });
    ClipConfig::from_value(config, "the shapes of OpenAI's archive").ok()
}

/// Names and shapes of the tensors of a model, in open_clip's layout.
fn expected(config: &ClipConfig, device: &Device) -> Shapes {
    let mut collector = ShapeCollector { path: Vec::new(), shapes: Shapes::new() };
    config.build(device).visit(&mut collector);
    // Any model may have been trained with a bias of its logits.
    collector.shapes.remove("logit_bias");
    collector.shapes
}

struct ShapeCollector {
    path: Vec<String>,
    shapes: Shapes,
}

impl ModuleVisitor for ShapeCollector {
    fn enter_module(&mut self, name: &str, _container_type: &str) {
        self.path.push(name.into());
    }

    fn exit_module(&mut self, _name: &str, _container_type: &str) {
        self.path.pop();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let key = reference_key(&self.path.join("."));
        let mut shape = key.layout.reference_shape(param.lazy_shape().as_slice());
        if key.name.starts_with("logit_") {
            shape.clear();
        }
        self.shapes.insert(key.name, shape);
    }
}
