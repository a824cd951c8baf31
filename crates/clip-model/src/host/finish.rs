//! What is done with a product while it is in the cache, and how its output is shared out.

use pulp::NullaryFnOnce;

use super::math;
use crate::Activation;

/// What is done with parts of an output.
pub(super) trait Finishing: Sync {
    /// Finishes a part of a row that begins at a column; inlined where the processor is known.
    fn finish(&self, row: usize, column: usize, values: &mut [f32]);
}

/// Nothing.
impl Finishing for () {
    #[inline(always)]
    fn finish(&self, _: usize, _: usize, _: &mut [f32]) {}
}

/// What follows a linear layer's product.
#[derive(Clone, Copy)]
pub(super) struct Finish<'a> {
    /// `[columns]`.
    pub bias: &'a [f32],
    pub activation: Option<Activation>,
}

impl Finishing for Finish<'_> {
    #[inline(always)]
    fn finish(&self, _: usize, column: usize, values: &mut [f32]) {
        for (value, bias) in values.iter_mut().zip(&self.bias[column..]) {
            *value += bias;
        }
        if let Some(activation) = self.activation {
            math::activate(values, activation);
        }
    }
}

/// Parts of rows, finished. (A closure might not be inlined where the processor is known.)
pub(super) struct FinishRows<'a, 'b, F> {
    pub finish: &'a F,
    /// The first row and column.
    pub first: [usize; 2],
    pub rows: &'a mut [&'b mut [f32]],
}

impl<F: Finishing> NullaryFnOnce for FinishRows<'_, '_, F> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let [first, column] = self.first;
        for (index, row) in self.rows.iter_mut().enumerate() {
            self.finish.finish(first + index, column, row);
        }
    }
}

/// `[rows, columns]` in tasks of so many columns: `[tasks][rows][share]`.
pub(super) fn in_shares(output: &mut [f32], columns: usize, share: usize) -> Vec<Vec<&mut [f32]>> {
    let mut tasks: Vec<Vec<&mut [f32]>> = Vec::new();
    tasks.resize_with(columns.div_ceil(share), || Vec::with_capacity(output.len() / columns));
    for row in output.chunks_exact_mut(columns) {
        for (task, part) in tasks.iter_mut().zip(row.chunks_mut(share)) {
            task.push(part);
        }
    }
    tasks
}
