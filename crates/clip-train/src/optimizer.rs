use burn::module::{Module, ModuleVisitor, Param, ParamGroup};
use burn::optim::{AdamWConfig, GradientsParams, ModuleOptimizer};
use burn::tensor::Tensor;
use clip_model::Clip;
use serde::{Deserialize, Serialize};

/// AdamW's numbers. The defaults are the paper's for a ViT; its ResNets have `beta2` 0.999 and
/// `epsilon` 1e-8 (table 18).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AdamW {
    /// Decay of the first moment.
    pub beta1: f32,
    /// Decay of the second moment.
    pub beta2: f32,
    /// Added to the root of the second moment.
    pub epsilon: f32,
    /// Decoupled decay of all weights that are not gains or biases.
    pub weight_decay: f32,
}

impl Default for AdamW {
    fn default() -> Self {
        Self { beta1: 0.9, beta2: 0.98, epsilon: 1e-6, weight_decay: 0.2 }
    }
}

impl AdamW {
    /// Whether the numbers make sense.
    pub(crate) fn is_possible(&self) -> bool {
        let unit = |beta: f32| (0.0..1.0).contains(&beta);
        unit(self.beta1) && unit(self.beta2) && self.epsilon >= 0.0 && self.weight_decay >= 0.0
    }

    /// The optimizer for `model`, with gains, biases and the logit scale free of decay.
    pub fn init(&self, model: &Clip) -> ModuleOptimizer {
        let config = AdamWConfig::new()
            .with_beta_1(self.beta1)
            .with_beta_2(self.beta2)
            .with_epsilon(self.epsilon);
        let without = config.clone().with_weight_decay(0.0);
        config.with_weight_decay(self.weight_decay).init().with_group(
            ParamGroup::from_paths(undecayed(model)),
            without.build(),
            None,
        )
    }
}

/// Paths of the parameters that do not decay: all of rank below two, as in open_clip.
fn undecayed(model: &Clip) -> Vec<String> {
    let mut visitor = VectorPaths::default();
    model.visit(&mut visitor);
    visitor.found
}

#[derive(Default)]
struct VectorPaths {
    path: Vec<String>,
    found: Vec<String>,
}

impl ModuleVisitor for VectorPaths {
    fn enter_module(&mut self, name: &str, _container_type: &str) {
        self.path.push(name.into());
    }

    fn exit_module(&mut self, _name: &str, _container_type: &str) {
        self.path.pop();
    }

    fn visit_float<const D: usize>(&mut self, _param: &Param<Tensor<D>>) {
        if D < 2 {
            self.found.push(self.path.join("."));
        }
    }
}

/// The Euclidean norm of all gradients together, read back to the host.
///
/// Burn's own clipping looks at one parameter at a time.
pub fn global_norm(model: &Clip, gradients: &GradientsParams) -> f64 {
    let mut visitor = SquaredNorms { gradients, squares: Vec::new() };
    model.visit(&mut visitor);
    let squares = Tensor::cat(visitor.squares, 0).into_data();
    squares.iter::<f64>().sum::<f64>().sqrt()
}

struct SquaredNorms<'a> {
    gradients: &'a GradientsParams,
    squares: Vec<Tensor<1>>,
}

impl ModuleVisitor for SquaredNorms<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if let Some(gradient) = self.gradients.get::<D>(param.id) {
            self.squares.push(gradient.square().sum());
        }
    }
}

/// Multiplies every gradient by `factor`.
pub fn scale_gradients(model: &Clip, gradients: &mut GradientsParams, factor: f64) {
    model.visit(&mut Scale { gradients, factor });
}

struct Scale<'a> {
    gradients: &'a mut GradientsParams,
    factor: f64,
}

impl ModuleVisitor for Scale<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if let Some(gradient) = self.gradients.remove::<D>(param.id) {
            self.gradients.register(param.id, gradient * self.factor);
        }
    }
}
