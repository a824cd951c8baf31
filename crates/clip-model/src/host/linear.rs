use burn::nn::Linear;
use burn::tensor::{Tensor, TensorData};
use pulp::{Arch, NullaryFnOnce};
use rayon::prelude::*;

use super::{math, values, values_mut};
use crate::Activation;

/// Rows up to which one matrix product doesn't keep several cores busy: its columns are shared out.
const FEW_ROWS: usize = 256;
/// Parts that the columns come in then: the number from which Burn shares a batch out.
const PARTS: usize = 4;

/// A linear layer and an activation, in one pass after the product.
///
/// # Shapes
///
/// - input: `[batch, sequence, in]`
/// - output: `[batch, sequence, out]`
pub(crate) fn linear(x: Tensor<3>, layer: &Linear, activation: Option<Activation>) -> Tensor<3> {
    let (shape, device) = (x.dims(), x.device());
    let product = Product::of(x, layer);
    let columns = product.columns;
    let output = product.finished(values(&bias(layer, columns)), activation);
    Tensor::<2>::from_data(output, &device).reshape([shape[0], shape[1], columns])
}

/// A linear layer's output added to `sum`, in one pass after the product.
///
/// # Shapes
///
/// - input: `[batch, sequence, in]`
/// - sum and output: `[batch, sequence, out]`
pub(crate) fn linear_added(x: Tensor<3>, layer: &Linear, sum: Tensor<3>) -> Tensor<3> {
    let (shape, device) = (sum.dims(), x.device());
    let product = Product::of(x, layer);
    let sum = sum.reshape([product.rows, product.columns]).into_data();
    let output = product.added_to(sum, values(&bias(layer, shape[2])));
    Tensor::<2>::from_data(output, &device).reshape(shape)
}

/// `[columns]`, zeros where the layer has none.
fn bias(layer: &Linear, columns: usize) -> TensorData {
    match &layer.bias {
        Some(bias) => bias.val().into_data(),
        None => TensorData::zeros::<f32, _>([columns]),
    }
}

/// A matrix whose columns come in parts, each `[rows, columns / parts]`.
struct Product {
    data: TensorData,
    rows: usize,
    columns: usize,
    parts: usize,
}

impl Product {
    /// The layer's without its bias.
    fn of(x: Tensor<3>, layer: &Linear) -> Self {
        let [batch, sequence, width] = x.dims();
        let weight = layer.weight.val();
        let [_, columns] = weight.dims();
        let rows = batch * sequence;
        let x = x.reshape([rows, width]);
        let shared = rows <= FEW_ROWS && columns.is_multiple_of(PARTS);
        let (data, parts) = match shared {
            true => {
                let weight = weight.reshape([width, PARTS, columns / PARTS]).swap_dims(0, 1);
                (x.unsqueeze::<3>().matmul(weight).into_data(), PARTS)
            }
            false => (x.matmul(weight).into_data(), 1),
        };
        Self { data, rows, columns, parts }
    }

    /// `[rows, columns]`.
    fn finished(mut self, bias: &[f32], activation: Option<Activation>) -> TensorData {
        let (columns, arch) = (self.columns, Arch::new());
        if self.parts == 1 {
            values_mut(&mut self.data)
                .par_chunks_exact_mut(columns)
                .for_each(|row| arch.dispatch(Finish { row, bias, activation }));
            return self.data;
        }
        let mut whole = vec![0.0; self.rows * columns];
        whole.par_chunks_exact_mut(columns).enumerate().for_each(|(index, row)| {
            for (to, part) in row.chunks_exact_mut(columns / self.parts).zip(self.row(index)) {
                to.copy_from_slice(part);
            }
            arch.dispatch(Finish { row, bias, activation });
        });
        TensorData::new(whole, [self.rows, columns])
    }

    fn added_to(self, mut sum: TensorData, bias: &[f32]) -> TensorData {
        let arch = Arch::new();
        let part = self.columns / self.parts;
        values_mut(&mut sum).par_chunks_exact_mut(self.columns).enumerate().for_each(
            |(index, row)| {
                let parts = row.chunks_exact_mut(part).zip(bias.chunks_exact(part));
                for ((sums, bias), values) in parts.zip(self.row(index)) {
                    arch.dispatch(Add { sums, values, bias });
                }
            },
        );
        sum
    }

    /// The parts of one row.
    fn row(&self, index: usize) -> impl Iterator<Item = &[f32]> {
        let part = self.columns / self.parts;
        values(&self.data)
            .chunks_exact(self.rows * part)
            .map(move |all| &all[index * part..][..part])
    }
}

/// A row with its bias, activated. (A closure might not be inlined where the processor is known.)
struct Finish<'a> {
    row: &'a mut [f32],
    bias: &'a [f32],
    activation: Option<Activation>,
}

impl NullaryFnOnce for Finish<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        for (value, bias) in self.row.iter_mut().zip(self.bias) {
            *value += bias;
        }
        if let Some(activation) = self.activation {
            math::activate(self.row, activation);
        }
    }
}

/// Part of a row and of the bias, added to what was there.
struct Add<'a> {
    sums: &'a mut [f32],
    values: &'a [f32],
    bias: &'a [f32],
}

impl NullaryFnOnce for Add<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        for ((sum, value), bias) in self.sums.iter_mut().zip(self.values).zip(self.bias) {
            *sum += value + bias;
        }
    }
}
