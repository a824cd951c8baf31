//! The transformer block on the CPU, without a graph: what is not a matrix product is done in
//! passes over memory that is already there, vectorised, on all cores.
//!
//! Burn's own operations remain the reference, which training and every other device run: the tests
//! compare both.

mod attention;
mod linear;
mod math;

pub(crate) use attention::{self_attention, takes_heads_of};
pub(crate) use linear::{linear, linear_added};

use burn::tensor::{DType, Tensor, TensorData};

use crate::device::is_cpu;

/// Whether these functions take the tensor: f32 on the CPU, without a graph.
pub(crate) fn takes<const D: usize>(x: &Tensor<D>) -> bool {
    let device = x.device();
    x.dtype() == DType::F32 && !device.is_autodiff() && is_cpu(&device)
}

/// The values where they lie. (As a vector they would be copied: Burn allocates bytes.)
fn values(data: &TensorData) -> &[f32] {
    match data.as_slice() {
        Ok(values) => values,
        Err(_) => unreachable!("`takes` lets f32 in alone"),
    }
}

/// The values where they lie, to be changed.
fn values_mut(data: &mut TensorData) -> &mut [f32] {
    match data.as_mut_slice() {
        Ok(values) => values,
        Err(_) => unreachable!("`takes` lets f32 in alone"),
    }
}
