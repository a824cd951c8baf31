//! The objective of multinomial logistic regression.

use burn::tensor::activation::log_softmax;
use burn::tensor::{DType, IndexingUpdateOp, Int, Tensor, TensorData};
use clip_model::is_cpu;

use super::cholesky::Cholesky;

/// Logits that are held at once.
const MAX_LOGITS: usize = 1 << 22;

/// Numbers of features that are gone through at once on a CPU, twice: what its cache holds.
const CACHED: usize = 1 << 19;

/// What is added to the Hessian's diagonal, in parts of its mean: products of features are sums in f32,
/// and features may depend on each other.
const RIDGE: f64 = 1e-6;

/// Features with labels.
pub(super) struct Logistic {
    /// `[samples, width]`.
    features: Tensor<2>,
    /// `[samples, 1]`.
    labels: Tensor<2, Int>,
    classes: usize,
    /// The Hessian of the mean loss at zero for one class's weights and bias, as [`Cholesky::of`]
    /// takes it.
    hessian: Option<Vec<Vec<f64>>>,
}

impl Logistic {
    pub fn new(features: Tensor<2>, labels: &[usize], classes: usize) -> Self {
        let ids: Vec<i64> = labels.iter().map(|label| *label as i64).collect();
        let ids = TensorData::new(ids, [labels.len(), 1]);
        let labels = Tensor::from_data(ids, &features.device());
        let features = features.cast(DType::F32);
        let [samples, width] = features.dims();
        // With fewer samples its factorisation takes longer than a fit.
        let hessian =
            (samples > width && width > 0).then(|| hessian_at_zero(features.clone(), classes));
        Self { features, labels, classes, hessian }
    }

    /// What the inverse of the Hessian is estimated by; `None` where a fit is better off without.
    pub fn preconditioner(&self, lambda: f64) -> Option<Cholesky> {
        let mut rows = self.hessian.clone()?;
        let [samples, width] = self.features.dims();
        let mean = (0..width).map(|i| rows[i][i]).sum::<f64>() / width as f64;
        (0..width).for_each(|i| rows[i][i] += RIDGE * mean + lambda / samples as f64);
        Cholesky::of(rows)
    }

    pub fn samples(&self) -> usize {
        self.features.dims()[0]
    }

    /// Columns of weights: of two classes, the first one's logits are 0, as scikit-learn has it.
    fn columns(&self) -> usize {
        if self.classes == 2 { 1 } else { self.classes }
    }

    /// Weights and biases together.
    pub fn parameters(&self) -> usize {
        (self.features.dims()[1] + 1) * self.columns()
    }

    /// Parameters as weights, `[width, columns]`, and biases, `[1, columns]`.
    pub fn tensors(&self, parameters: &[f64]) -> (Tensor<2>, Tensor<2>) {
        let (width, columns, device) =
            (self.features.dims()[1], self.columns(), self.features.device());
        let values: Vec<f32> = parameters.iter().map(|value| *value as f32).collect();
        let (weights, bias) = values.split_at(width * columns);
        (
            Tensor::from_data(TensorData::new(weights.to_vec(), [width, columns]), &device),
            Tensor::from_data(TensorData::new(bias.to_vec(), [1, columns]), &device),
        )
    }

    /// `(sum of cross-entropies + lambda / 2 * |weights|^2) / samples`, and its gradient.
    ///
    /// `parameters` are the weights, `[width, columns]`, then the biases, `[columns]`.
    pub fn at(&self, parameters: &[f64], lambda: f64) -> (f64, Vec<f64>) {
        let ([samples, width], columns) = (self.features.dims(), self.columns());
        let (weights, bias) = self.tensors(parameters);
        let mut loss = 0.0;
        let mut gradient: Vec<f64> = vec![0.0; parameters.len()];
        for (first, count) in blocks(&self.features, self.classes) {
            let features = self.features.clone().narrow(0, first, count);
            let labels = self.labels.clone().narrow(0, first, count);
            let log_probs = log_softmax(logits(features.clone(), weights.clone(), bias.clone()), 1);
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
        loss += 0.5 * lambda * weights.iter().map(|weight| weight * weight).sum::<f64>();
        gradient.iter_mut().zip(weights).for_each(|(sum, weight)| *sum += lambda * weight);
        gradient.iter_mut().for_each(|sum| *sum /= samples as f64);
        (loss / samples as f64, gradient)
    }
}

/// The rows that are gone through at once, as the first one and their number.
fn blocks(features: &Tensor<2>, classes: usize) -> impl Iterator<Item = (usize, usize)> {
    let [samples, width] = features.dims();
    let logits = MAX_LOGITS / classes;
    let rows = if is_cpu(&features.device()) { logits.min(CACHED / width.max(1)) } else { logits };
    let rows = rows.max(1);
    (0..samples).step_by(rows).map(move |first| (first, rows.min(samples - first)))
}

/// The second derivative of the mean cross-entropy at zero weights, where every class is as likely, for
/// the weights and the bias of one class.
fn hessian_at_zero(features: Tensor<2>, classes: usize) -> Vec<Vec<f64>> {
    let [samples, width] = features.dims();
    let scale = (classes - 1) as f64 / (classes * classes * samples) as f64;
    let sums = features.clone().sum_dim(0).into_data();
    let mut products = Tensor::zeros([width, width], &features.device());
    for (first, count) in blocks(&features, classes) {
        let block = features.clone().narrow(0, first, count);
        products = products + block.clone().transpose().matmul(block);
    }
    let values: Vec<f64> = products.into_data().iter::<f64>().collect();
    let rows = values.chunks_exact(width).enumerate().map(|(i, row)| row[..=i].to_vec());
    let of_bias = sums.iter::<f64>().chain([samples as f64]).collect();
    let mut rows: Vec<Vec<f64>> = rows.chain([of_bias]).collect();
    rows.iter_mut().flatten().for_each(|value| *value *= scale);
    rows
}

/// `[samples, classes]`: of two, those of the first are 0.
pub(super) fn logits(features: Tensor<2>, weights: Tensor<2>, bias: Tensor<2>) -> Tensor<2> {
    let logits = features.matmul(weights) + bias;
    let [samples, columns] = logits.dims();
    match columns {
        1 => Tensor::cat(vec![Tensor::zeros([samples, 1], &logits.device()), logits], 1),
        _ => logits,
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::{Device, Distribution};

    use super::*;

    /// The derivative by differences along each parameter.
    fn differences(objective: &Logistic, at: &[f64]) -> Vec<f64> {
        const STEP: f64 = 1e-2;
        let value = |index: usize, step: f64| {
            let mut at = at.to_vec();
            at[index] += step;
            objective.at(&at, 0.7).0
        };
        (0..at.len()).map(|i| (value(i, STEP) - value(i, -STEP)) / (2.0 * STEP)).collect()
    }

    #[test]
    fn the_gradient_is_the_slope() {
        let device = Device::flex();
        for classes in [2, 3] {
            let features = Tensor::random([20, 4], Distribution::Normal(0.0, 1.0), &device);
            let labels: Vec<usize> = (0..20).map(|sample| sample % classes).collect();
            let objective = Logistic::new(features, &labels, classes);
            let at: Vec<f64> = (0..objective.parameters()).map(|i| (i as f64).sin()).collect();
            let (_, gradient) = objective.at(&at, 0.7);
            for (ours, slope) in gradient.iter().zip(differences(&objective, &at)) {
                assert!((ours - slope).abs() < 1e-4, "{classes} classes: {ours} {slope}");
            }
        }
    }
}
