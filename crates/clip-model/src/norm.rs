use burn::nn::{LayerNorm, LayerNormConfig};
use burn::tensor::{DType, Device, Tensor};

use crate::NormOptions;
use crate::config::epsilon;

/// A layer normalisation over the last axis with the configured epsilon.
pub(crate) fn layer_norm(width: usize, options: Option<NormOptions>, device: &Device) -> LayerNorm {
    LayerNormConfig::new(width).with_epsilon(epsilon(options)).init(device)
}

/// Applies a layer normalisation, in f32 whatever the dtype of `x` (open_clip's `LayerNormFp32`).
///
/// Burn widens f16 by itself but not bf16, whose eight bits are too few for a mean.
pub(crate) fn normalized<const D: usize>(norm: &LayerNorm, x: Tensor<D>) -> Tensor<D> {
    let dtype = x.dtype();
    if dtype == DType::F32 {
        return norm.forward(x);
    }
    let mut wide = norm.clone();
    let widened = |tensor: Tensor<1>| tensor.cast(DType::F32);
    wide.gamma = wide.gamma.map(widened);
    wide.beta = wide.beta.map(|beta| beta.map(widened));
    wide.forward(x.cast(DType::F32)).cast(dtype)
}
