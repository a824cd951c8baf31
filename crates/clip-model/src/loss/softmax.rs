use burn::tensor::activation::log_softmax;
use burn::tensor::{Int, Tensor};

/// The symmetric contrastive loss (paper, figure 3), written as the paper writes it.
///
/// The readable reference for [`tiled_contrastive_loss`](super::tiled_contrastive_loss); it holds
/// the whole matrix of logits. Of each row's target, `label_smoothing` is spread over all columns,
/// as PyTorch's `cross_entropy` does it; the paper has none.
///
/// # Shapes
///
/// - image_features, text_features: `[batch, embed]`, normalised
/// - logit_scale: `[1]`, the natural logarithm of the factor
/// - output: `[1]`
pub fn contrastive_loss(
    image_features: Tensor<2>,
    text_features: Tensor<2>,
    logit_scale: Tensor<1>,
    label_smoothing: f64,
) -> Tensor<1> {
    let logits = image_features.matmul(text_features.transpose()) * logit_scale.exp().unsqueeze();
    let rows = cross_entropy_of_diagonal(logits.clone(), label_smoothing);
    (rows + cross_entropy_of_diagonal(logits.transpose(), label_smoothing)) / 2.0
}

/// Mean cross entropy of rows whose right column is their own index.
fn cross_entropy_of_diagonal(logits: Tensor<2>, label_smoothing: f64) -> Tensor<1> {
    let [batch, _] = logits.dims();
    let labels = Tensor::<1, Int>::arange(0..batch as i64, &logits.device()).reshape([batch, 1]);
    let logarithms = log_softmax(logits, 1);
    let right = logarithms.clone().gather(1, labels).mean();
    -(right * (1.0 - label_smoothing) + logarithms.mean() * label_smoothing)
}
