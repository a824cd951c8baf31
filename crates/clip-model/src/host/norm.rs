//! Layer normalisation over the last axis.

use burn::tensor::Tensor;
use pulp::{Arch, NullaryFnOnce};
use rayon::prelude::*;

use super::tile::LANES;
use super::{held, tensor, values};

/// A layer normalisation's parameters.
#[derive(Clone, Debug)]
pub(super) struct Norm {
    /// `[width]`.
    pub gamma: Tensor<1>,
    /// `[width]`.
    pub beta: Tensor<1>,
    pub epsilon: f32,
}

/// Derivatives of a layer normalisation.
pub(super) struct NormGradients {
    /// `[batch, sequence, width]`.
    pub x: Tensor<3>,
    /// `[width]`.
    pub gamma: Tensor<1>,
    /// `[width]`.
    pub beta: Tensor<1>,
}

/// Rows that one task takes.
const ROWS: usize = 32;

impl Norm {
    /// # Shapes
    ///
    /// - input and output: `[batch, sequence, width]`
    pub fn forward(&self, x: Tensor<3>) -> Tensor<3> {
        let shape = x.dims();
        let (x, gamma, beta) = (held(x), held(self.gamma.clone()), held(self.beta.clone()));
        let x = values(&x);
        let (gamma, beta, epsilon) = (values(&gamma), values(&beta), self.epsilon);
        let mut output = vec![0.0; x.len()];
        let size = ROWS * shape[2];
        let arch = Arch::new();
        output.par_chunks_mut(size).zip(x.par_chunks(size)).for_each(|(output, x)| {
            arch.dispatch(Forward { x, gamma, beta, epsilon, output });
        });
        tensor(output, shape)
    }

    /// The derivatives, from that at the output; that at the input is added to `sum`.
    ///
    /// # Shapes
    ///
    /// - x, derivative and sum: `[batch, sequence, width]`
    pub fn backward(&self, x: Tensor<3>, derivative: Tensor<3>, sum: Tensor<3>) -> NormGradients {
        let shape = x.dims();
        let width = shape[2];
        let (x, derivative, sum) = (held(x), held(derivative), held(sum));
        let gamma = held(self.gamma.clone());
        let (gamma, epsilon) = (values(&gamma), self.epsilon);
        let mut output = vec![0.0; values(&x).len()];
        let size = ROWS * width;
        let arch = Arch::new();
        let inputs = values(&x)
            .par_chunks(size)
            .zip(values(&derivative).par_chunks(size))
            .zip(values(&sum).par_chunks(size));
        // Added up in one order whatever the number of cores.
        let parts: Vec<Vec<f32>> = output
            .par_chunks_mut(size)
            .zip(inputs)
            .map(|(output, ((x, derivative), sum))| {
                let mut parameters = vec![0.0; 2 * width];
                let sums = &mut parameters;
                arch.dispatch(Backward { x, derivative, sum, gamma, epsilon, output, sums });
                parameters
            })
            .collect();
        let mut parameters = vec![0.0; 2 * width];
        for part in &parts {
            for (sum, part) in parameters.iter_mut().zip(part) {
                *sum += part;
            }
        }
        let beta = parameters.split_off(width);
        NormGradients {
            x: tensor(output, shape),
            gamma: tensor(parameters, [width]),
            beta: tensor(beta, [width]),
        }
    }
}

/// Some rows.
struct Forward<'a> {
    x: &'a [f32],
    gamma: &'a [f32],
    beta: &'a [f32],
    epsilon: f32,
    output: &'a mut [f32],
}

impl NullaryFnOnce for Forward<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let width = self.gamma.len();
        for (output, x) in self.output.chunks_exact_mut(width).zip(self.x.chunks_exact(width)) {
            let (mean, factor) = moments(x, self.epsilon);
            let parameters = self.gamma.iter().zip(self.beta);
            for ((output, x), (gamma, beta)) in output.iter_mut().zip(x).zip(parameters) {
                *output = (x - mean) * factor * gamma + beta;
            }
        }
    }
}

/// Some rows; the sums are the derivatives at `gamma` and `beta`, `[2 * width]`.
struct Backward<'a> {
    x: &'a [f32],
    derivative: &'a [f32],
    sum: &'a [f32],
    gamma: &'a [f32],
    epsilon: f32,
    output: &'a mut [f32],
    sums: &'a mut [f32],
}

impl NullaryFnOnce for Backward<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let width = self.gamma.len();
        let (at_gamma, at_beta) = self.sums.split_at_mut(width);
        let rows = self.x.chunks_exact(width).zip(self.derivative.chunks_exact(width));
        let others = self.sum.chunks_exact(width);
        for ((output, (x, derivative)), others) in
            self.output.chunks_exact_mut(width).zip(rows).zip(others)
        {
            let (mean, factor) = moments(x, self.epsilon);
            let parameters = at_gamma.iter_mut().zip(at_beta.iter_mut()).zip(self.gamma);
            for (((output, x), derivative), ((at_gamma, at_beta), gamma)) in
                output.iter_mut().zip(x).zip(derivative).zip(parameters)
            {
                *at_gamma += derivative * (x - mean) * factor;
                *at_beta += derivative;
                *output = derivative * gamma;
            }
            let at_mean = total(output, x, |derivative, _| derivative) / width as f32;
            let product = total(output, x, |derivative, x| derivative * (x - mean));
            let at_factor = product * factor * factor / width as f32;
            for ((output, x), other) in output.iter_mut().zip(x).zip(others) {
                *output = (*output - at_mean - (x - mean) * at_factor) * factor + other;
            }
        }
    }
}

/// The mean of a row and what its values are divided by, inverted.
#[inline(always)]
fn moments(row: &[f32], epsilon: f32) -> (f32, f32) {
    let count = row.len() as f32;
    let mean = total(row, row, |x, _| x) / count;
    let variance = total(row, row, |x, _| (x - mean) * (x - mean)) / count;
    (mean, 1.0 / (variance + epsilon).sqrt())
}

/// The sum of a term of two rows, in as many parts as fill a vector.
#[inline(always)]
pub(super) fn total(a: &[f32], b: &[f32], term: impl Fn(f32, f32) -> f32) -> f32 {
    let ((a, rest_a), (b, rest_b)) = (a.as_chunks::<LANES>(), b.as_chunks::<LANES>());
    let mut sums = [0.0; LANES];
    for (a, b) in a.iter().zip(b) {
        for ((sum, a), b) in sums.iter_mut().zip(a).zip(b) {
            *sum += term(*a, *b);
        }
    }
    let rest = rest_a.iter().zip(rest_b).map(|(a, b)| term(*a, *b)).sum::<f32>();
    sums.iter().sum::<f32>() + rest
}
