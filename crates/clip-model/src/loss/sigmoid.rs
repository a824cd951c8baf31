use burn::tensor::activation::log_sigmoid;
use burn::tensor::{DType, Tensor};

/// The pairwise sigmoid loss (Zhai et al. 2023, "Sigmoid Loss for Language Image Pre-Training",
/// algorithm 1; open_clip's `SigLipLoss`).
///
/// The readable reference for [`tiled_sigmoid_loss`](super::tiled_sigmoid_loss); it holds the whole
/// matrix of logits.
///
/// # Shapes
///
/// - image_features, text_features: `[batch, embed]`, normalised
/// - logit_scale: `[1]`, the natural logarithm of the factor
/// - logit_bias: `[1]`
/// - output: `[1]`
pub fn sigmoid_loss(
    image_features: Tensor<2>,
    text_features: Tensor<2>,
    logit_scale: Tensor<1>,
    logit_bias: Tensor<1>,
) -> Tensor<1> {
    let [batch, _] = image_features.dims();
    let device = image_features.device();
    let logits = image_features.matmul(text_features.transpose()) * logit_scale.exp().unsqueeze()
        + logit_bias.unsqueeze();
    // 1 for pairs, -1 for all others.
    let labels = Tensor::<2>::eye(batch, &device).cast(DType::F32) * 2.0 - 1.0;
    -log_sigmoid(labels * logits).sum() / batch as f64
}
