use std::collections::BTreeMap;
use std::sync::Arc;

use burn::module::ParamGroup;
use burn::optim::decay::WeightDecayConfig;
use burn::optim::{
    AdafactorConfig, AdjustLrFn, DynOptimizer, LambConfig, LionConfig, ModuleOptimizer, MuonConfig,
    SgdConfig,
};
use clip_model::Clip;
use clip_model::vision::VisionTower;
use serde::{Deserialize, Serialize};

use super::TowersConfig;
use super::adamw::AdamW;
use super::layers::{Place, Places, Tower};
use super::scaled::Scaled;

/// The optimizer's name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OptimizerName {
    /// AdamW (Loshchilov and Hutter 2019), the paper's.
    #[default]
    AdamW,
    /// Lion (Chen et al. 2023); wants a learning rate some ten times smaller, and more decay.
    Lion,
    /// Muon (Jordan et al. 2024) on the matrices of the blocks, AdamW on all else, such as
    /// embeddings and convolutions.
    Muon,
    /// Adafactor (Shazeer and Stern 2018) with the run's learning rate as it is.
    Adafactor,
    /// LAMB (You et al. 2020).
    Lamb,
}

/// What the moments of AdamW are kept in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Moments {
    /// Single precision.
    #[default]
    F32,
    /// bfloat16 with stochastic rounding.
    Bf16,
}

/// The optimizer and its numbers, of which Adafactor and Muon's own matrices take the decay alone.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct OptimizerConfig {
    /// Which one.
    pub name: OptimizerName,
    /// Decay of the first moment.
    pub beta1: f32,
    /// Decay of the second moment. Default: the paper's, 0.98 for a ViT and 0.999 for a ResNet
    /// (table 18); 0.99 for Lion.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub beta2: Option<f32>,
    /// Added to the root of the second moment. Default: the paper's, 1e-6 for a ViT and 1e-8 for a
    /// ResNet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub epsilon: Option<f32>,
    /// Decoupled decay of all weights that are not gains, biases or adapters.
    pub weight_decay: f32,
    /// What AdamW keeps its moments in.
    pub moments: Moments,
}

impl Default for OptimizerConfig {
    fn default() -> Self {
        Self {
            name: OptimizerName::default(),
            beta1: 0.9,
            beta2: None,
            epsilon: None,
            weight_decay: 0.2,
            moments: Moments::default(),
        }
    }
}

/// What parameters of one group have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Group {
    decays: bool,
    /// Bits of the factor on the learning rate: all are positive, so their order is the numbers'.
    factor: u64,
    /// A weight matrix of a block, which Muon takes.
    is_hidden_matrix: bool,
}

impl OptimizerConfig {
    /// Why the numbers make no sense, if they don't.
    pub(crate) fn fault(&self) -> Option<&'static str> {
        let unit = |beta: f32| (0.0..1.0).contains(&beta);
        let is_possible = unit(self.beta1)
            && self.beta2.is_none_or(unit)
            && self.epsilon.is_none_or(|epsilon| epsilon > 0.0 && epsilon.is_finite())
            && self.weight_decay >= 0.0
            && self.weight_decay.is_finite();
        match is_possible {
            false => Some(
                "optimizer: betas lie in 0..1, epsilon is above 0 and weight_decay not negative",
            ),
            true if self.moments == Moments::Bf16 && self.name != OptimizerName::AdamW => {
                Some("optimizer: moments in bf16 are AdamW's alone")
            }
            true => None,
        }
    }

    /// The optimizer for `model`: gains, biases and the logit scale don't decay, and each layer has
    /// the learning rate that `towers` gives it.
    pub fn init(&self, model: &Clip, towers: &TowersConfig) -> ModuleOptimizer {
        let numbers = self.of_model(model);
        let places = Places::of(model);
        let mut groups: BTreeMap<Group, Vec<String>> = BTreeMap::new();
        for place in &places.places {
            let group = Group {
                decays: place.rank >= 2 && !place.adapter,
                factor: towers.factor(place, &places).to_bits(),
                is_hidden_matrix: is_hidden_matrix(place, &places),
            };
            groups.entry(group).or_default().push(place.path.clone());
        }
        // Burn wants an optimizer for all; each parameter is in one of the groups below.
        let fallback = ModuleOptimizer::from(SgdConfig::new().build());
        groups.into_iter().fold(fallback, |all, (group, paths)| {
            let factor = f64::from_bits(group.factor);
            let optimizer = Scaled { optimizer: numbers.build(group), factor };
            all.with_group(ParamGroup::from_paths(paths), optimizer, None)
        })
    }

    fn of_model(&self, model: &Clip) -> Numbers {
        let is_resnet = matches!(model.visual, VisionTower::ModifiedResNet(_));
        let beta2 = match (self.name, is_resnet) {
            (OptimizerName::Lion, _) => 0.99,
            (_, true) => 0.999,
            (_, false) => 0.98,
        };
        Numbers {
            name: self.name,
            moments: self.moments,
            beta1: self.beta1,
            beta2: self.beta2.unwrap_or(beta2),
            epsilon: self.epsilon.unwrap_or(if is_resnet { 1e-8 } else { 1e-6 }),
            weight_decay: self.weight_decay,
        }
    }
}

/// A matrix of a block: all but embeddings and what follows the blocks.
fn is_hidden_matrix(place: &Place, places: &Places) -> bool {
    place.rank == 2
        && place.tower != Tower::Head
        && place.layer > 0
        && place.layer < places.last(place.tower)
}

/// An [`OptimizerConfig`] whose defaults are settled.
struct Numbers {
    name: OptimizerName,
    moments: Moments,
    beta1: f32,
    beta2: f32,
    epsilon: f32,
    weight_decay: f32,
}

impl Numbers {
    fn build(&self, group: Group) -> Arc<dyn DynOptimizer> {
        let Self { beta1, beta2, epsilon, .. } = *self;
        let weight_decay = if group.decays { self.weight_decay } else { 0.0 };
        match (self.name, self.moments) {
            (OptimizerName::Lion, _) => Arc::new(
                LionConfig::new()
                    .with_beta_1(beta1)
                    .with_beta_2(beta2)
                    .with_weight_decay(weight_decay)
                    .build(),
            ),
            (OptimizerName::Lamb, _) => Arc::new(
                LambConfig::new()
                    .with_beta_1(beta1)
                    .with_beta_2(beta2)
                    .with_epsilon(epsilon)
                    .with_weight_decay(weight_decay)
                    .build(),
            ),
            (OptimizerName::Adafactor, _) => Arc::new(
                AdafactorConfig::new()
                    .with_relative_step(false)
                    .with_weight_decay(weight_decay)
                    .build(),
            ),
            (OptimizerName::Muon, _) if group.is_hidden_matrix => Arc::new(
                MuonConfig::new()
                    .with_adjust_lr_fn(AdjustLrFn::MatchRmsAdamW)
                    .with_weight_decay(Some(WeightDecayConfig::new(weight_decay)))
                    .build(),
            ),
            (OptimizerName::AdamW | OptimizerName::Muon, moments) => {
                Arc::new(AdamW { beta1, beta2, epsilon, weight_decay, moments })
            }
        }
    }
}
