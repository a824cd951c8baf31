//! The activation alone, where its input is kept for the derivative.

use burn::tensor::Tensor;
use pulp::{Arch, NullaryFnOnce};
use rayon::prelude::*;

use super::math::{activate, activate_backward};
use super::{from_data, held, tensor, values, values_mut};
use crate::Activation;

/// # Shapes
///
/// - input and output: `[batch, sequence, width]`
pub(super) fn activated(x: Tensor<3>, activation: Activation) -> Tensor<3> {
    let shape = x.dims();
    let x = held(x);
    let mut output = vec![0.0; values(&x).len()];
    let arch = Arch::new();
    let rows = values(&x).par_chunks(shape[2]);
    output.par_chunks_mut(shape[2]).zip(rows).for_each(|(output, x)| {
        arch.dispatch(Forward { x, output, activation });
    });
    tensor(output, shape)
}

/// The derivative before the activation, from that after it.
///
/// # Shapes
///
/// - x, derivative and output: `[batch, sequence, width]`
pub(super) fn activation_backward(
    x: Tensor<3>,
    derivative: Tensor<3>,
    activation: Activation,
) -> Tensor<3> {
    let [_, _, width] = x.dims();
    let x = held(x);
    let mut derivative = derivative.into_data();
    let arch = Arch::new();
    let rows = values(&x).par_chunks(width);
    values_mut(&mut derivative).par_chunks_mut(width).zip(rows).for_each(|(derivative, x)| {
        arch.dispatch(Backward { x, derivative, activation });
    });
    from_data(derivative)
}

struct Forward<'a> {
    x: &'a [f32],
    output: &'a mut [f32],
    activation: Activation,
}

impl NullaryFnOnce for Forward<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        self.output.copy_from_slice(self.x);
        activate(self.output, self.activation);
    }
}

struct Backward<'a> {
    x: &'a [f32],
    derivative: &'a mut [f32],
    activation: Activation,
}

impl NullaryFnOnce for Backward<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        activate_backward(self.x, self.derivative, self.activation);
    }
}
