use burn::module::{Lora, Module, ModuleMapper, ModuleVisitor, Param, ParamGroup};
use burn::optim::GradientsParams;
use burn::tensor::Tensor;
use clip_model::Clip;

use crate::LoraConfig;

/// The projections that adapters sit beside.
const ADAPTED: [&str; 10] = [
    "in_proj",
    "out_proj",
    "c_fc",
    "c_proj",
    "q_proj",
    "k_proj",
    "v_proj",
    "attn_pool.q",
    "attn_pool.kv",
    "attn_pool.proj",
];

/// `model` with low-rank adapters on the projections of attention and perceptrons. They alone are
/// trained, with scale and bias of the logits.
pub fn with_adapters(model: Clip, config: LoraConfig) -> Clip {
    let mut linear = Linear { path: Vec::new(), found: Vec::new() };
    model.visit(&mut linear);
    let lora =
        Lora::new(config.rank, config.alpha).set_param_group(ParamGroup::from_paths(linear.found));
    let mut model = model.apply_lora(lora);
    model.logit_scale = model.logit_scale.set_require_grad(true);
    model.logit_bias = model.logit_bias.map(|bias| bias.set_require_grad(true));
    model
}

/// Paths of the adapted weights.
struct Linear {
    path: Vec<String>,
    found: Vec<String>,
}

impl ModuleVisitor for Linear {
    fn enter_module(&mut self, name: &str, _container_type: &str) {
        self.path.push(name.into());
    }

    fn exit_module(&mut self, _name: &str, _container_type: &str) {
        self.path.pop();
    }

    fn visit_float<const D: usize>(&mut self, _param: &Param<Tensor<D>>) {
        let path = self.path.join(".");
        let layer = path.strip_suffix(".weight");
        let is_adapted = |layer: &str| ADAPTED.iter().any(|name| layer.ends_with(name));
        if D == 2 && layer.is_some_and(is_adapted) {
            self.found.push(path);
        }
    }
}

/// `(1 - share) * start + share * trained`, weight by weight (WiSE-FT, Wortsman et al. 2022).
///
/// Both are without autodiff and adapters, and of the same configuration.
pub fn interpolate(start: &Clip, trained: Clip, share: f64) -> Clip {
    // Identities differ between two models, so that weights are matched by their order.
    let mut from = InOrder::default();
    start.visit(&mut from);
    trained.map(&mut Mix { starts: from.0, at: 0, share })
}

/// Tensors under their place in the model.
#[derive(Default)]
struct InOrder(GradientsParams, u64);

impl ModuleVisitor for InOrder {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        self.0.register(self.1.into(), param.val());
        self.1 += 1;
    }
}

struct Mix {
    starts: GradientsParams,
    at: u64,
    share: f64,
}

impl ModuleMapper for Mix {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let start = self.starts.remove::<D>(self.at.into());
        self.at += 1;
        let share = self.share;
        match start {
            Some(start) => param.map(|trained| start * (1.0 - share) + trained * share),
            None => param,
        }
    }
}
