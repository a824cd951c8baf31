//! The objective of multinomial logistic regression.

use burn::tensor::activation::log_softmax;
use burn::tensor::{DType, Device, IndexingUpdateOp, Int, Tensor, TensorData};

/// Logits that are held at once.
const MAX_LOGITS: usize = 1 << 22;

/// Features with labels, and how strongly weights are held to zero.
pub(super) struct Logistic {
    /// `[samples, width]`.
    features: Tensor<2>,
    /// `[samples, 1]`.
    labels: Tensor<2, Int>,
    classes: usize,
    lambda: f64,
}

impl Logistic {
    pub fn new(features: Tensor<2>, labels: &[usize], classes: usize, lambda: f64) -> Self {
        let ids: Vec<i64> = labels.iter().map(|label| *label as i64).collect();
        let ids = TensorData::new(ids, [labels.len(), 1]);
        let labels = Tensor::from_data(ids, &features.device());
        Self { features: features.cast(DType::F32), labels, classes, lambda }
    }

    /// Columns of weights: of two classes, the first one's logits are 0, as scikit-learn has it.
    pub fn columns(&self) -> usize {
        columns(self.classes)
    }

    /// Weights and biases together.
    pub fn parameters(&self) -> usize {
        (self.features.dims()[1] + 1) * self.columns()
    }

    /// `(sum of cross-entropies + lambda / 2 * |weights|^2) / samples`, and its gradient.
    ///
    /// `parameters` are the weights, `[width, columns]`, then the biases, `[columns]`.
    pub fn at(&self, parameters: &[f64]) -> (f64, Vec<f64>) {
        let [samples, width] = self.features.dims();
        let columns = self.columns();
        let (weights, bias) = tensors(parameters, [width, columns], &self.features.device());
        let mut loss = 0.0;
        let mut gradient: Vec<f64> = vec![0.0; parameters.len()];
        let block = (MAX_LOGITS / self.classes).max(1);
        for first in (0..samples).step_by(block) {
            let count = block.min(samples - first);
            let features = self.features.clone().narrow(0, first, count);
            let labels = self.labels.clone().narrow(0, first, count);
            let log_probs = log_softmax(
                logits(features.clone(), weights.clone(), bias.clone(), self.classes),
                1,
            );
            let chosen = log_probs.clone().gather(1, labels.clone());
            loss -= chosen.into_data().iter::<f64>().sum::<f64>();
            let minus_one = Tensor::full([count, 1], -1.0, &features.device());
            let errors = log_probs.exp().scatter(1, labels, minus_one, IndexingUpdateOp::Add);
            let errors = errors.narrow(1, self.classes - columns, columns);
            let of_bias = errors.clone().sum_dim(0).into_data();
            // Of both factors, errors are the one that is cheap to transpose.
            let of_weights = errors.transpose().matmul(features).transpose().into_data();
            let terms = of_weights.iter::<f64>().chain(of_bias.iter::<f64>());
            gradient.iter_mut().zip(terms).for_each(|(sum, term)| *sum += term);
        }
        let weights = &parameters[..width * columns];
        loss += 0.5 * self.lambda * weights.iter().map(|weight| weight * weight).sum::<f64>();
        gradient.iter_mut().zip(weights).for_each(|(sum, weight)| *sum += self.lambda * weight);
        gradient.iter_mut().for_each(|sum| *sum /= samples as f64);
        (loss / samples as f64, gradient)
    }
}

/// Columns of weights for so many classes.
pub(super) fn columns(classes: usize) -> usize {
    if classes == 2 { 1 } else { classes }
}

/// Parameters as the objective has them, as weights and biases.
pub(super) fn tensors(
    parameters: &[f64],
    [width, columns]: [usize; 2],
    device: &Device,
) -> (Tensor<2>, Tensor<2>) {
    let values: Vec<f32> = parameters.iter().map(|value| *value as f32).collect();
    let (weights, bias) = values.split_at(width * columns);
    (
        Tensor::from_data(TensorData::new(weights.to_vec(), [width, columns]), device),
        Tensor::from_data(TensorData::new(bias.to_vec(), [1, columns]), device),
    )
}

/// `[samples, classes]`.
pub(super) fn logits(
    features: Tensor<2>,
    weights: Tensor<2>,
    bias: Tensor<2>,
    classes: usize,
) -> Tensor<2> {
    let logits = features.matmul(weights) + bias;
    let [samples, columns] = logits.dims();
    match columns == classes {
        true => logits,
        false => Tensor::cat(vec![Tensor::zeros([samples, 1], &logits.device()), logits], 1),
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::Distribution;

    use super::*;

    /// The derivative by differences along each parameter.
    fn differences(objective: &Logistic, at: &[f64]) -> Vec<f64> {
        const STEP: f64 = 1e-2;
        let value = |index: usize, step: f64| {
            let mut at = at.to_vec();
            at[index] += step;
            objective.at(&at).0
        };
        (0..at.len()).map(|i| (value(i, STEP) - value(i, -STEP)) / (2.0 * STEP)).collect()
    }

    #[test]
    fn the_gradient_is_the_slope() {
        let device = Device::flex();
        for classes in [2, 3] {
            let features = Tensor::random([20, 4], Distribution::Normal(0.0, 1.0), &device);
            let labels: Vec<usize> = (0..20).map(|sample| sample % classes).collect();
            let objective = Logistic::new(features, &labels, classes, 0.7);
            let at: Vec<f64> = (0..objective.parameters()).map(|i| (i as f64).sin()).collect();
            let (_, gradient) = objective.at(&at);
            for (ours, slope) in gradient.iter().zip(differences(&objective, &at)) {
                assert!((ours - slope).abs() < 1e-4, "{classes} classes: {ours} {slope}");
            }
        }
    }
}
