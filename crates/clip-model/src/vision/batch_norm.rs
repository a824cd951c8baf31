use burn::module::{Module, Param, RunningState};
use burn::nn::Initializer;
use burn::tensor::module::{batch_norm, batch_norm_train};
use burn::tensor::{DType, Device, Tensor};

use crate::{Mode, Statistics};

/// Batch normalisation over `[batch, channels, height, width]`, as PyTorch's `BatchNorm2d`.
///
/// It differs from Burn's own in two points: the caller says which statistics are used, not the
/// device; and the running variance is the unbiased one, as PyTorch stores it.
#[derive(Module, Debug)]
pub struct BatchNorm {
    /// Gain, `[channels]`.
    pub gamma: Param<Tensor<1>>,
    /// Bias, `[channels]`.
    pub beta: Param<Tensor<1>>,
    /// Mean for evaluation, `[channels]`.
    pub running_mean: RunningState<Tensor<1>>,
    /// Variance for evaluation, `[channels]`.
    pub running_var: RunningState<Tensor<1>>,
}

impl BatchNorm {
    const EPSILON: f64 = 1e-5;
    const MOMENTUM: f64 = 0.1;

    /// A layer with gain 1, bias 0 and the statistics of a standard normal.
    pub fn new(channels: usize, device: &Device) -> Self {
        Self {
            gamma: Initializer::Ones.init([channels], device),
            beta: Initializer::Zeros.init([channels], device),
            running_mean: RunningState::new(Tensor::zeros([channels], device)),
            running_var: RunningState::new(Tensor::ones([channels], device)),
        }
    }

    /// Computes in f32 whatever the dtype of `x`, as the paper does.
    ///
    /// # Shapes
    ///
    /// - input and output: `[batch, channels, height, width]`
    pub fn forward(&self, x: Tensor<4>, mode: Mode) -> Tensor<4> {
        let dtype = x.dtype();
        self.forward_wide(x.cast(DType::F32), mode).cast(dtype)
    }

    /// What normalising by the running statistics multiplies with, then adds, `[channels]` in f32.
    #[cfg(feature = "flex")]
    pub(crate) fn scale_and_bias(&self) -> [Tensor<1>; 2] {
        let variance = wide(self.running_var.value());
        let scale = wide(self.gamma.val()) / (variance + Self::EPSILON).sqrt();
        let bias = wide(self.beta.val()) - wide(self.running_mean.value()) * scale.clone();
        [scale, bias]
    }

    fn forward_wide(&self, x: Tensor<4>, mode: Mode) -> Tensor<4> {
        let (gamma, beta) = (wide(self.gamma.val()), wide(self.beta.val()));
        let statistics = mode.statistics();
        if statistics == Statistics::Running {
            let mean = wide(self.running_mean.value());
            let variance = wide(self.running_var.value());
            return batch_norm(x, gamma, beta, mean, variance, Self::EPSILON);
        }
        let [batch, _, height, width] = x.dims();
        let normalised = batch_norm_train(x, gamma, beta, Self::EPSILON);
        if statistics == Statistics::Moving {
            let count = (batch * height * width) as f64;
            let unbiased = normalised.variance * (count / (count - 1.0).max(1.0));
            Self::update(&self.running_mean, normalised.mean);
            Self::update(&self.running_var, unbiased);
        }
        normalised.output
    }

    fn update(state: &RunningState<Tensor<1>>, value: Tensor<1>) {
        let old = state.value().cast(DType::F32);
        let moved = old.clone() * (1.0 - Self::MOMENTUM) + value.detach() * Self::MOMENTUM;
        // One batch that is not finite must not spoil the statistics for good.
        let broken = moved.clone().is_finite().bool_not();
        state.update(moved.mask_where(broken, old).detach());
        // Burn applies an update only when the next one arrives; a checkpoint taken now must
        // already have it.
        state.value_sync();
    }
}

fn wide(x: Tensor<1>) -> Tensor<1> {
    x.cast(DType::F32)
}

#[cfg(test)]
mod tests {
    use burn::tensor::Distribution;

    use super::*;

    #[test]
    fn a_batch_that_is_not_finite_leaves_the_running_statistics_alone() {
        let device = Device::flex();
        let norm = BatchNorm::new(3, &device);
        let mode = Mode::Training { statistics: Statistics::Moving, seed: 0 };
        let noise = Tensor::<4>::random([4, 3, 2, 2], Distribution::Normal(1.0, 2.0), &device);
        norm.forward(noise.clone(), mode);
        let before = norm.running_mean.value().into_data();
        assert_ne!(before, Tensor::<1>::zeros([3], &device).into_data());
        norm.forward(noise * f32::NAN, mode);
        assert_eq!(norm.running_mean.value().into_data(), before);
    }
}
