use burn::module::{Module, ModuleVisitor, Param};
use burn::optim::GradientsParams;
use burn::tensor::Tensor;
use clip_model::Clip;

/// The Euclidean norm of all gradients together, read back to the host.
///
/// Burn's own clipping looks at one parameter at a time.
pub(crate) fn global_norm(model: &Clip, gradients: &GradientsParams) -> f64 {
    let mut visitor = SquaredNorms { gradients, squares: Vec::new() };
    model.visit(&mut visitor);
    root_of_sum(visitor.squares)
}

/// The Euclidean norm of all parameters together, running statistics among them, read back to the
/// host.
pub(crate) fn parameter_norm(model: &Clip) -> f64 {
    let mut visitor = SquaredParameters(Vec::new());
    model.visit(&mut visitor);
    root_of_sum(visitor.0)
}

fn root_of_sum(squares: Vec<Tensor<1>>) -> f64 {
    match squares.is_empty() {
        true => 0.0,
        false => Tensor::cat(squares, 0).into_data().iter::<f64>().sum::<f64>().sqrt(),
    }
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

struct SquaredParameters(Vec<Tensor<1>>);

impl ModuleVisitor for SquaredParameters {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let value = param.base();
        let value = if value.device().is_autodiff() { value.inner() } else { value };
        self.0.push(value.square().sum());
    }
}

/// Multiplies every gradient by `factor`.
pub(crate) fn scale_gradients(model: &Clip, gradients: &mut GradientsParams, factor: f64) {
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
