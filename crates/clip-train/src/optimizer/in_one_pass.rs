//! A step of AdamW on the CPU: memory is what it waits for, so each number is read and written once.

use burn::tensor::{DType, Tensor, TensorData};
use clip_model::is_cpu;
use rayon::prelude::*;

use super::adamw::Update;

/// Numbers that one task takes.
pub(super) const PART: usize = 1 << 15;

/// Whether [`step`] takes a parameter's tensors: weights, gradient and moments. (Moments in bf16 may
/// be those of a run that goes on with others.)
pub(super) fn takes<const D: usize>(tensors: [&Tensor<D>; 4]) -> bool {
    tensors.into_iter().all(|tensor| {
        let device = tensor.device();
        tensor.dtype() == DType::F32 && is_cpu(&device) && !device.is_autodiff()
    })
}

/// The moved weights and the moments.
pub(super) fn step<const D: usize>(
    update: Update,
    tensor: Tensor<D>,
    gradient: Tensor<D>,
    [moment_1, moment_2]: [Tensor<D>; 2],
) -> (Tensor<D>, [Tensor<D>; 2]) {
    let device = tensor.device();
    let gradient = gradient.into_data();
    let mut weights = tensor.into_data();
    let mut moments = [moment_1, moment_2].map(Tensor::into_data);
    let [first, second] = &mut moments;
    values_mut(&mut weights)
        .par_chunks_mut(PART)
        .zip(values(&gradient).par_chunks(PART))
        .zip(values_mut(first).par_chunks_mut(PART))
        .zip(values_mut(second).par_chunks_mut(PART))
        .for_each(|(((weights, gradient), first), second)| {
            update.part(weights, gradient, [first, second]);
        });
    let tensor = |data: TensorData| Tensor::from_data(data, &device);
    (tensor(weights), moments.map(tensor))
}

impl Update {
    fn part(self, weights: &mut [f32], gradient: &[f32], [first, second]: [&mut [f32]; 2]) {
        let moments = first.iter_mut().zip(second);
        for ((weight, gradient), (first, second)) in weights.iter_mut().zip(gradient).zip(moments) {
            *first = *first * self.beta1 + gradient * (1.0 - self.beta1);
            *second = *second * self.beta2 + gradient * gradient * (1.0 - self.beta2);
            let root = second.sqrt() / self.root_correction + self.epsilon;
            *weight = *weight * self.decay - *first * self.rate / root;
        }
    }
}

fn values(data: &TensorData) -> &[f32] {
    match data.as_slice() {
        Ok(values) => values,
        Err(_) => unreachable!("`takes` lets f32 in alone"),
    }
}

fn values_mut(data: &mut TensorData) -> &mut [f32] {
    match data.as_mut_slice() {
        Ok(values) => values,
        Err(_) => unreachable!("`takes` lets f32 in alone"),
    }
}
