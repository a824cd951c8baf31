//! The paper's initialisation, as OpenAI's and open_clip's code has it.
//!
//! Explicit rules cover the embeddings, the text transformer, the attention pooling and the last
//! normalisation of each ResNet block. Everything else, *the ViT's blocks included*, keeps the
//! defaults of the PyTorch layers. SigLIP's image tower is initialised as timm does it.

use burn::module::{Module, ModuleMapper, Param};
use burn::tensor::{DType, Tensor, TensorData};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal, Uniform};

use crate::weights::reference_key;
use crate::{Clip, ClipConfig, PositionEmbedding, VisionLayers};

/// Draws every parameter of `model` anew.
///
/// Numbers are drawn on the host, from a stream of each parameter's own: neither the backend nor
/// the order of the layers has a part in them.
pub(crate) fn initialize(model: Clip, config: &ClipConfig, seed: u64) -> Clip {
    model.map(&mut InitMapper { config, seed, path: Vec::new() })
}

/// How the values of one parameter are drawn.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Rule {
    Constant(f64),
    /// Standard deviation of a normal distribution around 0.
    Normal(f64),
    /// Bound of a uniform distribution around 0.
    Uniform(f64),
    /// Sines and cosines of row and column, after a class token's zeros (open_clip's
    /// `get_2d_sincos_pos_embed`).
    SinesAndCosines,
}

/// The rule for the tensor that open_clip calls `name`, of this shape in open_clip's layout.
fn rule(config: &ClipConfig, name: &str, shape: &[usize]) -> Rule {
    let ends = |suffixes: &[&str]| suffixes.iter().any(|suffix| name.ends_with(suffix));
    if name == "logit_scale" {
        return Rule::Constant(config.init_logit_scale.unwrap_or((1.0f64 / 0.07).ln()));
    }
    if name == "logit_bias" {
        return Rule::Constant(config.init_logit_bias.unwrap_or(0.0));
    }
    if let Some(name) = name.strip_prefix("visual.trunk.") {
        return siglip_rule(name, shape);
    }
    if let Some(rule) = visual_rule(config, name, shape) {
        return rule;
    }
    if let Some(rule) = text_rule(config, name) {
        return rule;
    }
    if ends(&[".ls_1.gamma", ".ls_2.gamma"]) {
        let visual = name.starts_with("visual.");
        let tower =
            if visual { config.vision_cfg.ls_init_value } else { config.text_cfg.ls_init_value };
        return Rule::Constant(tower.unwrap_or(1.0));
    }
    if ends(&["in_proj_bias", "out_proj.bias", "running_mean", "text_projection.bias"])
        || is_norm(name) && ends(&[".bias"])
    {
        return Rule::Constant(0.0);
    }
    if ends(&["running_var"]) || is_norm(name) {
        return Rule::Constant(1.0);
    }
    if ends(&["in_proj_weight", "q_proj_weight", "k_proj_weight", "v_proj_weight"]) {
        return Rule::Uniform((6.0 / (shape[0] + shape[1]) as f64).sqrt()); // Xavier
    }
    Rule::Uniform((fan_in(config, name, shape) as f64).powf(-0.5)) // PyTorch's Linear and Conv2d
}

/// Rules of the image tower that differ from the layers' defaults.
fn visual_rule(config: &ClipConfig, name: &str, shape: &[usize]) -> Option<Rule> {
    let name = name.strip_prefix("visual.")?;
    let width = config.vision_cfg.width as f64;
    let fixed = config.vision_cfg.pos_embed_type == PositionEmbedding::SinCos2d;
    match name {
        "positional_embedding" if fixed => Some(Rule::SinesAndCosines),
        "attn_pool.query" | "attn_pool_contrastive.query" => Some(Rule::Normal(1.0)),
        "class_embedding" | "positional_embedding" | "proj" => Some(Rule::Normal(width.powf(-0.5))),
        "attnpool.positional_embedding" => Some(Rule::Normal((shape[1] as f64).powf(-0.5))),
        _ if name.starts_with("attnpool.") && name.ends_with(".weight") => {
            // All four by the number of input features, c_proj too.
            Some(Rule::Normal((shape[1] as f64).powf(-0.5)))
        }
        _ if name.starts_with("layer") && name.ends_with("bn3.weight") => Some(Rule::Constant(0.0)),
        _ => None,
    }
}

/// Rules of SigLIP's image tower (timm's `init_weights_vit_timm`).
fn siglip_rule(name: &str, shape: &[usize]) -> Rule {
    let norm = name.contains("norm");
    match name {
        "attn_pool.latent" => Rule::Normal((shape[shape.len() - 1] as f64).powf(-0.5)),
        // The patches' convolution keeps PyTorch's default.
        "patch_embed.proj.weight" => {
            Rule::Uniform((shape[1..].iter().product::<usize>() as f64).powf(-0.5))
        }
        _ if norm && name.ends_with("weight") => Rule::Constant(1.0),
        _ if name.ends_with("bias") => Rule::Constant(0.0),
        _ => Rule::Normal(0.02),
    }
}

/// Rules of the text tower that differ from the layers' defaults.
fn text_rule(config: &ClipConfig, name: &str) -> Option<Rule> {
    let width = config.text_cfg.width as f64;
    let projection = width.powf(-0.5) * (2.0 * config.text_cfg.layers as f64).powf(-0.5);
    match name {
        "token_embedding.weight" => return Some(Rule::Normal(0.02)),
        "positional_embedding" | "cls_emb" => return Some(Rule::Normal(0.01)),
        "text_projection" | "text_projection.weight" => {
            return Some(Rule::Normal(width.powf(-0.5)));
        }
        _ => {}
    }
    match name.strip_prefix("transformer.resblocks.")?.split_once('.')?.1 {
        "attn.in_proj_weight" => Some(Rule::Normal(width.powf(-0.5))),
        "attn.out_proj.weight" | "mlp.c_proj.weight" => Some(Rule::Normal(projection)),
        "mlp.c_fc.weight" => Some(Rule::Normal((2.0 * width).powf(-0.5))),
        _ => None,
    }
}

/// Whether a tensor is the gain or bias of a LayerNorm or BatchNorm.
fn is_norm(name: &str) -> bool {
    let layer = name.rsplit('.').nth(1).unwrap_or_default();
    layer.starts_with("ln_") || layer.starts_with("bn") || name.contains("downsample.1.")
}

/// Inputs of one output of the layer that a weight or bias belongs to.
fn fan_in(config: &ClipConfig, name: &str, shape: &[usize]) -> usize {
    if !name.ends_with(".bias") {
        return shape[1..].iter().product();
    }
    let (width, ratio) = match (name.starts_with("visual."), &config.vision_cfg.layers) {
        (true, VisionLayers::Stages(_)) => (config.vision_cfg.width * 32, 1.0),
        (true, _) => (config.vision_cfg.width, config.vision_cfg.mlp_ratio),
        (false, _) => (config.text_cfg.width, config.text_cfg.mlp_ratio),
    };
    match name.ends_with("mlp.c_proj.bias") {
        true => (width as f64 * ratio) as usize,
        false => width,
    }
}

struct InitMapper<'a> {
    config: &'a ClipConfig,
    seed: u64,
    path: Vec<String>,
}

impl ModuleMapper for InitMapper<'_> {
    fn enter_module(&mut self, name: &str, _container_type: &str) {
        self.path.push(name.into());
    }

    fn exit_module(&mut self, _name: &str, _container_type: &str) {
        self.path.pop();
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let key = reference_key(&self.path.join("."));
        let shape = param.lazy_shape().to_vec();
        let reference_shape = key.layout.reference_shape(&shape);
        let rule = rule(self.config, &key.name, &reference_shape);
        let values = draw(rule, &shape, self.seed, &key.name);
        let device = param.lazy_device();
        let id = param.id;
        let tensor = Tensor::from_data(TensorData::new(values, shape), (&device, DType::F32));
        param.transform_for_load(tensor, id)
    }
}

/// `[1 + side * side, width]`: the first half of the channels tells the column, the second the
/// row; of each the first half are sines.
fn sines_and_cosines(positions: usize, width: usize) -> Vec<f32> {
    let side = positions.saturating_sub(1).isqrt();
    let quarter = width / 4;
    let channel = |position: usize, channel: usize| {
        let (row, column) = (position / side, position % side);
        let along = if channel < 2 * quarter { column } else { row };
        let frequency = 10_000f64.powf(-((channel % quarter) as f64) / quarter as f64);
        let angle = along as f64 * frequency;
        let sine = channel % (2 * quarter) < quarter;
        (if sine { angle.sin() } else { angle.cos() }) as f32
    };
    let patches =
        (0..side * side).flat_map(|position| (0..width).map(move |c| channel(position, c)));
    std::iter::repeat_n(0.0, width).chain(patches).collect()
}

fn draw(rule: Rule, shape: &[usize], seed: u64, name: &str) -> Vec<f32> {
    let count = shape.iter().product();
    let rng = ChaCha8Rng::seed_from_u64(seed ^ fnv1a(name));
    match rule {
        Rule::SinesAndCosines => sines_and_cosines(shape[0], shape[1]),
        Rule::Constant(value) => vec![value as f32; count],
        Rule::Normal(deviation) => {
            let normal = Distribution::<f32>::sample_iter(StandardNormal, rng);
            normal.take(count).map(|value| value * deviation as f32).collect()
        }
        Rule::Uniform(bound) => match Uniform::new_inclusive(-bound as f32, bound as f32) {
            Ok(uniform) => uniform.sample_iter(rng).take(count).collect(),
            // Unreachable for a finite bound, and every fan-in is at least 1.
            Err(_) => vec![0.0; count],
        },
    }
}

/// The FNV-1a hash of a name; the standard library's may change between releases.
fn fnv1a(name: &str) -> u64 {
    let step = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    name.bytes().fold(0xcbf2_9ce4_8422_2325, step)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde::Deserialize;

    use super::*;

    /// Statistics of a parameter that open_clip has just initialised.
    #[derive(Deserialize)]
    struct Measured {
        shape: Vec<usize>,
        mean: f64,
        std: f64,
        kurtosis: f64,
    }

    fn measured(model: &str) -> BTreeMap<String, Measured> {
        let root = env!("CARGO_MANIFEST_DIR");
        let path = format!("{root}/../../tests/reference/goldens/init/{model}.json");
        serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
    }

    /// Mean, deviation and kurtosis that a rule leads to.
    fn expected(rule: Rule) -> (f64, f64, f64) {
        match rule {
            // None are given for it; a NaN equals nothing.
            Rule::SinesAndCosines => (f64::NAN, f64::NAN, f64::NAN),
            Rule::Constant(value) => (value, 0.0, 0.0),
            Rule::Normal(deviation) => (0.0, deviation, 3.0),
            Rule::Uniform(bound) => (0.0, bound / 3f64.sqrt(), 1.8),
        }
    }

    #[test]
    fn every_rule_leads_to_the_statistics_of_open_clip() {
        for model in ["ViT-B-32", "RN50"] {
            let config = ClipConfig::preset(model).unwrap();
            for (name, measured) in measured(model) {
                if name.ends_with("num_batches_tracked") {
                    continue;
                }
                let count = measured.shape.iter().product::<usize>().max(1) as f64;
                let (mean, std, kurtosis) = expected(rule(&config, &name, &measured.shape));
                // Five standard errors of each estimate.
                let near =
                    |a: f64, b: f64, error: f64| (a - b).abs() <= 5.0 * error + 1e-4 * b.abs();
                assert!(near(measured.mean, mean, std / count.sqrt()), "{model} {name}: mean");
                assert!(near(measured.std, std, std / (2.0 * count).sqrt()), "{model} {name}: std");
                let error = (24.0 / count).sqrt();
                assert!(near(measured.kurtosis, kurtosis, error), "{model} {name}: kurtosis");
            }
        }
    }

    /// The first numbers of open_clip 3.3's `get_2d_sincos_pos_embed(8, 2, cls_token=True)`.
    #[test]
    fn fixed_positions_are_those_of_open_clip() {
        let values = sines_and_cosines(5, 8);
        let (sine, cosine) = (0.841_471f32, 0.540_302f32);
        assert_eq!(values[..8], [0.0; 8]);
        assert_eq!(values[8..16], [0.0, 0.0, 1.0, 1.0, 0.0, 0.0, 1.0, 1.0]);
        let second = [sine, 0.009_999_83, cosine, 0.999_95, 0.0, 0.0, 1.0, 1.0];
        assert!(values[16..24].iter().zip(second).all(|(a, b)| (a - b).abs() < 1e-6));
        let third = [0.0, 0.0, 1.0, 1.0, sine, 0.009_999_83, cosine, 0.999_95];
        assert!(values[24..32].iter().zip(third).all(|(a, b)| (a - b).abs() < 1e-6));
    }

    #[test]
    fn draws_follow_their_rule_and_their_seed() {
        let statistics = |values: &[f32]| {
            let count = values.len() as f64;
            let mean = values.iter().map(|v| f64::from(*v)).sum::<f64>() / count;
            let square = values.iter().map(|v| (f64::from(*v) - mean).powi(2)).sum::<f64>();
            (mean, (square / count).sqrt())
        };
        for (rule, std) in [(Rule::Normal(0.02), 0.02), (Rule::Uniform(0.3), 0.3 / 3f64.sqrt())] {
            let values = draw(rule, &[100_000], 7, "a");
            let (mean, deviation) = statistics(&values);
            assert!(mean.abs() < 0.02 * std && (deviation - std).abs() < 0.01 * std, "{rule:?}");
            assert_eq!(values, draw(rule, &[100_000], 7, "a"));
            assert_ne!(values, draw(rule, &[100_000], 8, "a"));
            assert_ne!(values, draw(rule, &[100_000], 7, "b"));
        }
    }
}
