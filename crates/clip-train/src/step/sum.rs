use burn::module::{Module, ModuleVisitor, Param};
use burn::optim::GradientsParams;
use burn::tensor::{DType, Tensor};
use clip_model::Clip;

/// Gradients that are added up in f32, whatever dtype they were computed in.
#[derive(Default)]
pub(super) struct GradientSum(GradientsParams);

impl GradientSum {
    /// Adds gradients of `model`'s parameters.
    pub fn add(&mut self, model: &Clip, mut gradients: GradientsParams) {
        model.visit(&mut Add { from: &mut gradients, to: &mut self.0 });
    }

    pub fn into_gradients(self) -> GradientsParams {
        self.0
    }
}

struct Add<'a> {
    from: &'a mut GradientsParams,
    to: &'a mut GradientsParams,
}

impl ModuleVisitor for Add<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let Some(gradient) = self.from.remove::<D>(param.id) else { return };
        let gradient = gradient.cast(DType::F32);
        let sum = match self.to.remove::<D>(param.id) {
            Some(sum) => sum + gradient,
            None => gradient,
        };
        self.to.register(param.id, sum);
    }
}
