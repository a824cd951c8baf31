//! Passes over a matrix of logits.

use burn::tensor::Tensor;
use pulp::{Arch, NullaryFnOnce};
use rayon::prelude::*;

use super::math::exp;
use super::tile::LANES;
use super::{from_data, held, tensor, values, values_mut};

/// Rows, or columns, of a task.
const SHARE: usize = 64;

/// `ln(sum(exp(x)))` of each row, `[rows, 1]`, from `[rows, columns]`, of which there are some.
/// [`takes`](super::takes) is true of the logits.
pub(crate) fn log_sum_exp_of_rows(logits: Tensor<2>) -> Tensor<2> {
    let [rows, columns] = logits.dims();
    let logits = held(logits);
    let logits = values(&logits);
    let mut output = vec![0.0; rows];
    let arch = Arch::new();
    let tasks = output.par_chunks_mut(SHARE).zip(logits.par_chunks(SHARE * columns));
    tasks.for_each(|(output, logits)| arch.dispatch(OfRows { logits, output }));
    tensor(output, [rows, 1])
}

/// `ln(sum(exp(x)))` of each column, `[1, columns]`, from `[rows, columns]`, of which there are some.
/// [`takes`](super::takes) is true of the logits.
pub(crate) fn log_sum_exp_of_columns(logits: Tensor<2>) -> Tensor<2> {
    let [_, columns] = logits.dims();
    let logits = held(logits);
    let logits = values(&logits);
    let mut output = vec![0.0; columns];
    let arch = Arch::new();
    output.par_chunks_mut(SHARE).enumerate().for_each(|(index, output)| {
        arch.dispatch(OfColumns { logits, columns, first: index * SHARE, output });
    });
    tensor(output, [1, columns])
}

/// `factor * (exp(x - of its row) + exp(x - of its column))`, where the logits lie.
/// [`takes`](super::takes) is true of all.
///
/// # Shapes
///
/// - logits and output: `[rows, columns]`
/// - of_rows: `[rows, 1]`
/// - of_columns: `[1, columns]`
pub(crate) fn softmaxes(
    logits: Tensor<2>,
    of_rows: Tensor<2>,
    of_columns: Tensor<2>,
    factor: f32,
) -> Tensor<2> {
    let [_, columns] = logits.dims();
    let (of_rows, of_columns) = (held(of_rows), held(of_columns));
    let (of_rows, of_columns) = (values(&of_rows), values(&of_columns));
    let mut logits = logits.into_data();
    let arch = Arch::new();
    let tasks = values_mut(&mut logits).par_chunks_mut(SHARE * columns);
    tasks.zip(of_rows.par_chunks(SHARE)).for_each(|(logits, of_rows)| {
        arch.dispatch(Softmaxes { logits, of_rows, of_columns, factor });
    });
    from_data(logits)
}

struct OfRows<'a> {
    /// `[rows, columns]`.
    logits: &'a [f32],
    /// `[rows]`.
    output: &'a mut [f32],
}

impl NullaryFnOnce for OfRows<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let columns = self.logits.len() / self.output.len();
        for (output, logits) in self.output.iter_mut().zip(self.logits.chunks_exact(columns)) {
            let (logits, rest) = logits.as_chunks::<LANES>();
            let mut most = [f32::NEG_INFINITY; LANES];
            for logits in logits {
                raise(&mut most, logits);
            }
            let most = most.iter().chain(rest).fold(f32::NEG_INFINITY, |a, b| a.max(*b));
            let mut sums = [0.0; LANES];
            for logits in logits {
                for (sum, logit) in sums.iter_mut().zip(logits) {
                    *sum += exp(logit - most);
                }
            }
            let rest = rest.iter().map(|logit| exp(logit - most)).sum::<f32>();
            *output = (sums.iter().sum::<f32>() + rest).ln() + most;
        }
    }
}

struct OfColumns<'a> {
    /// `[rows, columns]`.
    logits: &'a [f32],
    columns: usize,
    /// The first that is added up.
    first: usize,
    output: &'a mut [f32],
}

impl NullaryFnOnce for OfColumns<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let Self { logits, columns, first, output } = self;
        let rows = || logits.chunks_exact(columns).map(|row| &row[first..][..output.len()]);
        let mut most = [f32::NEG_INFINITY; SHARE];
        rows().for_each(|row| raise(&mut most, row));
        let mut sums = [0.0; SHARE];
        for row in rows() {
            for ((sum, most), logit) in sums.iter_mut().zip(&most).zip(row) {
                *sum += exp(logit - most);
            }
        }
        for ((output, sum), most) in output.iter_mut().zip(sums).zip(most) {
            *output = sum.ln() + most;
        }
    }
}

/// The larger ones; what is no number shows in the sum.
#[inline(always)]
fn raise(most: &mut [f32], values: &[f32]) {
    for (most, value) in most.iter_mut().zip(values) {
        *most = if *value > *most { *value } else { *most };
    }
}

struct Softmaxes<'a> {
    /// `[rows, columns]`.
    logits: &'a mut [f32],
    of_rows: &'a [f32],
    of_columns: &'a [f32],
    factor: f32,
}

impl NullaryFnOnce for Softmaxes<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let Self { logits, of_rows, of_columns, factor } = self;
        for (logits, of_row) in logits.chunks_exact_mut(of_columns.len()).zip(of_rows) {
            for (logit, of_column) in logits.iter_mut().zip(of_columns) {
                *logit = factor * (exp(*logit - of_row) + exp(*logit - of_column));
            }
        }
    }
}
