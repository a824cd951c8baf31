use std::ops::Range;

use burn::tensor::Tensor;

#[cfg(feature = "flex")]
use crate::host;

/// Consecutive ranges of at most `size` that cover `0..len`.
pub fn blocks(len: usize, size: usize) -> impl Iterator<Item = Range<usize>> {
    (0..len).step_by(size).map(move |start| start..(start + size).min(len))
}

/// Adds `value` to some rows of `sum`, in place where the backend can.
pub fn add_rows(sum: Tensor<2>, rows: Range<usize>, value: Tensor<2>) -> Tensor<2> {
    // The handle that reads is gone before the one that writes is used.
    let added = sum.clone().slice([rows.clone()]) + value;
    sum.slice_assign([rows], added)
}

/// The product of matrices.
pub fn product(left: Tensor<2>, right: Tensor<2>) -> Tensor<2> {
    #[cfg(feature = "flex")]
    if host::takes(&left) && host::takes(&right) {
        return host::product(left, right);
    }
    left.matmul(right)
}

/// `ln(sum(exp(x)))` of each row, `[rows, 1]`.
pub fn log_sum_exp_of_rows(x: Tensor<2>) -> Tensor<2> {
    #[cfg(feature = "flex")]
    if host::takes(&x) {
        return host::log_sum_exp_of_rows(x);
    }
    log_sum_exp(x, 1)
}

/// `ln(sum(exp(x)))` of each column, `[1, columns]`.
pub fn log_sum_exp_of_columns(x: Tensor<2>) -> Tensor<2> {
    #[cfg(feature = "flex")]
    if host::takes(&x) {
        return host::log_sum_exp_of_columns(x);
    }
    log_sum_exp(x, 0)
}

/// `factor * (exp(x - rows) + exp(x - columns))`.
pub fn softmaxes(x: Tensor<2>, rows: Tensor<2>, columns: Tensor<2>, factor: f64) -> Tensor<2> {
    #[cfg(feature = "flex")]
    if [&x, &rows, &columns].into_iter().all(host::takes) {
        return host::softmaxes(x, rows, columns, factor as f32);
    }
    ((x.clone() - rows).exp() + (x - columns).exp()) * factor
}

/// `ln(sum(exp(x)))` along a dimension, kept with size 1.
fn log_sum_exp(x: Tensor<2>, dim: usize) -> Tensor<2> {
    let max = x.clone().max_dim(dim);
    (x - max.clone()).exp().sum_dim(dim).log() + max
}

#[cfg(all(test, feature = "flex"))]
mod tests {
    use burn::tensor::{Device, Distribution, Tolerance};

    use super::*;

    /// Those of the host and the plain ones, for logits as large as they become.
    #[test]
    fn sums_of_exponentials_are_those_of_plain_operations() {
        let device = Device::flex();
        device.seed(11);
        for shape in [[1, 1], [3, 70], [65, 16], [130, 129]] {
            let logits = Tensor::random(shape, Distribution::Uniform(-100.0, 100.0), &device);
            let (rows, columns) = (log_sum_exp(logits.clone(), 1), log_sum_exp(logits.clone(), 0));
            let both =
                (logits.clone() - rows.clone()).exp() + (logits.clone() - columns.clone()).exp();
            let tolerance = Tolerance::<f32>::relative(1e-5).set_absolute(1e-6);
            for (ours, plain) in [
                (log_sum_exp_of_rows(logits.clone()), rows.clone()),
                (log_sum_exp_of_columns(logits.clone()), columns.clone()),
                (softmaxes(logits, rows, columns, 0.25), both * 0.25),
            ] {
                ours.into_data().assert_approx_eq(&plain.into_data(), tolerance);
            }
        }
    }

    #[test]
    fn what_is_no_number_shows() {
        let logits = Tensor::<2>::from_floats([[f32::NAN, 1.0], [2.0, 3.0]], &Device::flex());
        let is_nan =
            |x: Tensor<2>| x.into_data().iter::<f32>().map(f32::is_nan).collect::<Vec<_>>();
        assert_eq!(is_nan(log_sum_exp_of_rows(logits.clone())), [true, false]);
        assert_eq!(is_nan(log_sum_exp_of_columns(logits)), [true, false]);
    }
}
