use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::optim::GradientsParams;
use burn::tensor::Tensor;
use clip_model::Clip;

/// An exponential moving average of a model's weights, running statistics among them (timm's
/// `ModelEma`).
pub struct Ema {
    /// The average, without autodiff.
    pub model: Clip,
    decay: f64,
}

impl Ema {
    /// Starts from the weights of `model`.
    pub fn new(model: &Clip, decay: f64) -> Self {
        Self { model: model.valid(), decay }
    }

    /// Goes on from an average.
    pub fn resume(average: Clip, decay: f64) -> Self {
        Self { model: average, decay }
    }

    /// Takes in the weights after a step: `average = decay * average + (1 - decay) * weights`.
    pub fn update(&mut self, model: &Clip) {
        let mut weights = Weights::default();
        model.valid().visit(&mut weights);
        let average = self.model.clone();
        self.model = average.map(&mut Average { weights: weights.0, decay: self.decay });
    }
}

/// The tensors of a model by the identity of their parameter.
#[derive(Default)]
struct Weights(GradientsParams);

impl ModuleVisitor for Weights {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        self.0.register(param.id, param.base());
    }
}

struct Average {
    weights: GradientsParams,
    decay: f64,
}

impl ModuleMapper for Average {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let Some(weight) = self.weights.remove::<D>(param.id) else { return param };
        let decay = self.decay;
        param.map(|average| average * decay + weight * (1.0 - decay))
    }
}
