use burn::tensor::{Tensor, TensorData};
use pulp::{Arch, NullaryFnOnce};
use rayon::prelude::*;

use super::{held, math, tensor, values, values_mut};
use crate::Activation;

/// Rows up to which one matrix product doesn't keep several cores busy: its columns are shared out.
const FEW_ROWS: usize = 256;
/// Parts that the columns come in then: the number from which Burn shares a batch out.
const PARTS: usize = 4;

/// A linear layer's parameters.
#[derive(Clone, Debug)]
pub(super) struct Layer {
    /// `[in, out]`.
    pub weight: Tensor<2>,
    /// `[out]`.
    pub bias: Tensor<1>,
}

impl Layer {
    /// The layer and an activation, in one pass after the product.
    ///
    /// # Shapes
    ///
    /// - input: `[batch, sequence, in]`
    /// - output: `[batch, sequence, out]`
    pub fn forward(&self, x: Tensor<3>, activation: Option<Activation>) -> Tensor<3> {
        let ([batch, sequence, _], device) = (x.dims(), x.device());
        let [_, columns] = self.weight.dims();
        let bias = held(self.bias.clone());
        let output = Product::of(x, &self.weight).finished(values(&bias), activation);
        Tensor::<2>::from_data(output, &device).reshape([batch, sequence, columns])
    }

    /// The layer's output added to `sum`, in one pass after the product.
    ///
    /// # Shapes
    ///
    /// - input: `[batch, sequence, in]`
    /// - sum and output: `[batch, sequence, out]`
    pub fn forward_added(&self, x: Tensor<3>, sum: Tensor<3>) -> Tensor<3> {
        let (shape, device) = (sum.dims(), x.device());
        let product = Product::of(x, &self.weight);
        let sum = sum.reshape([product.rows, product.columns]).into_data();
        let bias = held(self.bias.clone());
        let output = product.added_to(sum, values(&bias));
        Tensor::<2>::from_data(output, &device).reshape(shape)
    }

    /// The derivative at the input, from that at the output.
    ///
    /// # Shapes
    ///
    /// - derivative: `[batch, sequence, out]`
    /// - output: `[batch, sequence, in]`
    pub fn input_gradient(&self, derivative: Tensor<3>) -> Tensor<3> {
        let [batch, sequence, columns] = derivative.dims();
        let derivative = derivative.reshape([batch * sequence, columns]);
        let [depth, _] = self.weight.dims();
        derivative.matmul(self.weight.clone().transpose()).reshape([batch, sequence, depth])
    }
}

/// The derivative at a layer's weight, `[in, out]`.
///
/// # Shapes
///
/// - input: `[batch, sequence, in]`
/// - derivative: `[batch, sequence, out]`
pub(super) fn weight_gradient(x: Tensor<3>, derivative: Tensor<3>) -> Tensor<2> {
    let flat = |x: Tensor<3>| {
        let [batch, sequence, width] = x.dims();
        x.reshape([batch * sequence, width])
    };
    flat(x).transpose().matmul(flat(derivative))
}

/// The derivative at a layer's bias, `[out]`: the sum of all rows.
///
/// # Shapes
///
/// - derivative: `[batch, sequence, out]`
pub(super) fn bias_gradient(derivative: Tensor<3>) -> Tensor<1> {
    /// Columns that one task adds up.
    const COLUMNS: usize = 256;
    let [_, _, width] = derivative.dims();
    let derivative = held(derivative);
    let mut sums = vec![0.0; width];
    let arch = Arch::new();
    sums.par_chunks_mut(COLUMNS).enumerate().for_each(|(part, sums)| {
        for row in values(&derivative).chunks_exact(width) {
            let values = &row[part * COLUMNS..][..sums.len()];
            arch.dispatch(Add { sums: &mut *sums, values });
        }
    });
    tensor(sums, [width])
}

/// A matrix whose columns come in parts, each `[rows, columns / parts]`.
struct Product {
    data: TensorData,
    rows: usize,
    columns: usize,
    parts: usize,
}

impl Product {
    /// `[batch, sequence, in]` times `[in, out]`.
    fn of(x: Tensor<3>, weight: &Tensor<2>) -> Self {
        let [batch, sequence, width] = x.dims();
        let weight = weight.clone();
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
                    arch.dispatch(Add { sums: &mut *sums, values });
                    arch.dispatch(Add { sums, values: bias });
                }
            },
        );
        sum
    }

    /// The parts of one row.
    fn row(&self, index: usize) -> impl Iterator<Item = &[f32]> {
        let part = self.columns / self.parts;
        let values: &[f32] = match self.data.as_slice() {
            Ok(values) => values,
            Err(_) => unreachable!("a block takes f32 alone"),
        };
        values.chunks_exact(self.rows * part).map(move |all| &all[index * part..][..part])
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

/// Values added to what was there.
struct Add<'a> {
    sums: &'a mut [f32],
    values: &'a [f32],
}

impl NullaryFnOnce for Add<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        for (sum, value) in self.sums.iter_mut().zip(self.values) {
            *sum += value;
        }
    }
}
