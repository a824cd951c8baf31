use burn::module::{ModuleMapper, Param};
use burn::tensor::Tensor;
use clip_model::is_cpu;

/// Gives parameters the order that a checkpoint brings back. On the CPU loaded weights lie in
/// PyTorch's, and products of the one differ from those of the other in their last bits.
pub(super) struct RowOrder;

impl ModuleMapper for RowOrder {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        param.map(|tensor| match tensor.device().is_autodiff() {
            true => {
                let require_grad = tensor.is_require_grad();
                in_row_order(tensor.inner()).autodiff().set_require_grad(require_grad)
            }
            false => in_row_order(tensor),
        })
    }
}

fn in_row_order<const D: usize>(tensor: Tensor<D>) -> Tensor<D> {
    let (device, dtype) = (tensor.device(), tensor.dtype());
    match is_cpu(&device) {
        true => Tensor::from_data(tensor.into_data(), (&device, dtype)),
        false => tensor,
    }
}
