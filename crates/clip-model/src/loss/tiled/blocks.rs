use std::ops::Range;

use burn::tensor::Tensor;

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

/// `ln(sum(exp(x)))` along a dimension, kept with size 1.
pub fn log_sum_exp(x: Tensor<2>, dim: usize) -> Tensor<2> {
    let max = x.clone().max_dim(dim);
    (x - max.clone()).exp().sum_dim(dim).log() + max
}

/// The logarithm of a sum of exponentials, from those of two parts.
pub fn merged(sum: Option<Tensor<2>>, part: Tensor<2>, dim: usize) -> Tensor<2> {
    match sum {
        None => part,
        Some(sum) => log_sum_exp(Tensor::cat(vec![sum, part], dim), dim),
    }
}
