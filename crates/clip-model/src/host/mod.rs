//! What models and losses spend their time on, on the CPU: what is not a matrix product is done in
//! passes over memory that is already there, vectorised, on all cores; a transformer block with a
//! graph is one operation with a derivative of its own.
//!
//! Burn's own operations remain the reference, which every other device runs: the tests compare both.

mod activation;
mod attention;
mod block;
mod dots;
mod finish;
mod kept;
mod linear;
mod logits;
mod math;
mod norm;
mod packed;
mod prefetch;
mod product;
mod resnet;
mod tile;
mod traced;
mod weight;

pub(crate) use block::{Block, Options, PackedLayers};
pub(crate) use linear::linear;
pub(crate) use logits::{log_sum_exp_of_columns, log_sum_exp_of_rows, softmaxes};
pub(crate) use product::product;
pub(crate) use resnet::{PackedFilters, positions};

use burn::backend::Flex;
use burn::backend::flex::FlexTensor;
use burn::tensor::{DType, Device, Tensor, TensorData};
use rayon::prelude::*;

use self::tile::LANES;
use crate::device::is_cpu;

/// Whether a tensor can be read here: on the CPU, in f32, without a graph.
pub(crate) fn takes<const D: usize>(x: &Tensor<D>) -> bool {
    let device = x.device();
    x.dtype() == DType::F32 && !device.is_autodiff() && is_cpu(&device)
}

/// A tensor whose [`values`] are read where they lie.
fn held<const D: usize>(x: Tensor<D>) -> FlexTensor {
    match x.try_into_primitive::<Flex>() {
        Ok(x) => x.to_contiguous(),
        Err(_) => unreachable!("a block takes tensors without a graph on the CPU alone"),
    }
}

fn values(held: &FlexTensor) -> &[f32] {
    match held.as_slice() {
        Some(values) => values,
        None => unreachable!("a block takes f32 alone, and what is held is contiguous"),
    }
}

/// The values to be changed: where they lie, if nothing else holds them.
fn values_mut(data: &mut TensorData) -> &mut [f32] {
    match data.as_mut_slice() {
        Ok(values) => values,
        Err(_) => unreachable!("a block takes f32 alone"),
    }
}

fn tensor<const D: usize>(values: Vec<f32>, shape: [usize; D]) -> Tensor<D> {
    from_data(TensorData::new(values, shape))
}

fn from_data<const D: usize>(data: TensorData) -> Tensor<D> {
    Tensor::from_data(data, &Device::flex())
}

/// So many zeros, written by all cores.
fn zeros(count: usize) -> Vec<f32> {
    /// Those below which one core is as fast.
    const FEW: usize = 1 << 15;
    let vectors = (0..count.div_ceil(LANES)).into_par_iter().with_min_len(FEW / LANES);
    let mut zeros = vectors.map(|_| [0.0; LANES]).collect::<Vec<_>>().into_flattened();
    zeros.truncate(count);
    zeros
}
