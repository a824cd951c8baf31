//! Losses in tiles: the idea of Inf-CL (Cheng et al. 2024, <https://arxiv.org/abs/2410.17243>) and
//! DisCo-CLIP (Chen et al. 2023, <https://arxiv.org/abs/2304.08480>) on plain tensors.

mod blocks;
mod rows;
mod sigmoid;
mod softmax;

pub use rows::*;
pub use softmax::{Normalizers, SoftmaxTargets, Teacher};

use burn::tensor::Tensor;

/// A loss and its derivatives at the features.
///
/// Of a part of the rows, all are that part's contribution, to be added up over the parts.
#[derive(Clone, Debug)]
pub struct FeatureGradients {
    /// The loss, `[1]`.
    pub loss: Tensor<1>,
    /// Derivative with respect to the rows' image features, `[rows, embed]`.
    pub image_features: Tensor<2>,
    /// Derivative with respect to all text features, `[batch, embed]`.
    pub text_features: Tensor<2>,
    /// Derivative with respect to the logit scale (the logarithm), `[1]`.
    pub logit_scale: Tensor<1>,
    /// Derivative with respect to the logit bias, `[1]`; 0 if there is none.
    pub logit_bias: Tensor<1>,
}

/// The loss of [`contrastive_loss`](super::contrastive_loss) and its analytic gradient, in tiles of
/// `tile` images and `tile` texts.
///
/// Memory beside the result is that of a few tiles, never `batch * batch`: logits are computed
/// twice, once for the normalisers of rows and columns and once for the gradient. Runs beside any
/// graph, so its inputs must be on a device without autodiff.
///
/// # Shapes
///
/// - image_features, text_features: `[batch, embed]`, normalised, f32
/// - logit_scale: `[1]`, the natural logarithm of the factor
pub fn tiled_contrastive_loss(
    image_features: Tensor<2>,
    text_features: Tensor<2>,
    logit_scale: Tensor<1>,
    tile: usize,
) -> FeatureGradients {
    let rows = LogitRows::all(image_features, text_features, logit_scale, None, tile);
    rows.softmax_loss(&rows.normalizers(), &SoftmaxTargets::default())
}

/// The loss of [`sigmoid_loss`](super::sigmoid_loss) and its analytic gradient, in tiles as
/// [`tiled_contrastive_loss`]; logits are computed once.
///
/// # Shapes
///
/// - image_features, text_features: `[batch, embed]`, normalised, f32
/// - logit_scale: `[1]`, the natural logarithm of the factor
/// - logit_bias: `[1]`
pub fn tiled_sigmoid_loss(
    image_features: Tensor<2>,
    text_features: Tensor<2>,
    logit_scale: Tensor<1>,
    logit_bias: Tensor<1>,
    tile: usize,
) -> FeatureGradients {
    LogitRows::all(image_features, text_features, logit_scale, Some(logit_bias), tile)
        .sigmoid_loss()
}
