//! The gradient of the whole batch's loss, in micro-batches.
//!
//! Gao et al. 2021, <https://arxiv.org/abs/2101.06983>: the loss needs only features, so its
//! gradient is taken there, over the whole batch, and then handed to each micro-batch's graph.

use burn::module::Module;
use burn::optim::{GradientsAccumulator, GradientsParams};
use burn::tensor::{Int, Tensor};
use clip_model::loss::{ContrastiveGradients, tiled_contrastive_loss};
use clip_model::{Clip, Mode};

/// Images and texts of one batch on the training device.
#[derive(Clone, Debug)]
pub struct Pairs {
    /// `[batch, 3, height, width]`.
    pub images: Tensor<4>,
    /// `[batch, context]`.
    pub tokens: Tensor<2, Int>,
    /// What patch dropout draws from.
    pub seed: u64,
}

impl Pairs {
    fn mode(&self, update_statistics: bool) -> Mode {
        Mode::Training { update_statistics, seed: self.seed }
    }

    fn len(&self) -> usize {
        self.tokens.dims()[0]
    }

    /// Consecutive parts of at most `size` pairs.
    fn chunks(&self, size: usize) -> impl Iterator<Item = Pairs> + '_ {
        let len = self.len();
        (0..len).step_by(size).map(move |start| {
            let range = start..(start + size).min(len);
            Pairs {
                images: self.images.clone().slice([range.clone()]),
                tokens: self.tokens.clone().slice([range]),
                // An image draws the same patches however the batch is cut.
                seed: self.seed.wrapping_add(start as u64),
            }
        })
    }
}

/// How a batch is cut; neither number changes the result beyond rounding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cut {
    /// Pairs whose activations are held at once. A micro-batch smaller than the batch costs one
    /// more forward pass.
    pub micro_batch: usize,
    /// Rows of logits held at once.
    pub tile: usize,
}

/// The contrastive loss of a batch, `[1]`, and the gradient of every parameter.
///
/// Equal to the dense loss over the whole batch, whatever the cut; only batch statistics of a
/// ModifiedResNet are those of the micro-batch.
pub fn contrastive_gradients(
    model: &Clip,
    batch: &Pairs,
    cut: Cut,
) -> (Tensor<1>, GradientsParams) {
    match cut.micro_batch < batch.len() {
        true => in_micro_batches(model, batch, cut),
        false => at_once(model, batch, cut.tile),
    }
}

/// One forward pass: the features keep their graph until the loss is known.
fn at_once(model: &Clip, batch: &Pairs, tile: usize) -> (Tensor<1>, GradientsParams) {
    let images = model.image_features(batch.images.clone(), batch.mode(true));
    let texts = model.text_features(batch.tokens.clone());
    let loss = loss_at_features(model, images.clone().inner(), texts.clone().inner(), tile);
    let mut sum = GradientsAccumulator::new();
    backward(model, images, loss.image_features, &mut sum);
    backward(model, texts, loss.text_features, &mut sum);
    finish(model, sum, loss.logit_scale, loss.loss)
}

/// Two forward passes: features without a graph, then each micro-batch again with one.
fn in_micro_batches(model: &Clip, batch: &Pairs, cut: Cut) -> (Tensor<1>, GradientsParams) {
    let size = cut.micro_batch.max(1);
    let plain = model.valid();
    let (images, texts): (Vec<_>, Vec<_>) = batch
        .chunks(size)
        .map(|chunk| {
            let mode = chunk.mode(false);
            let images = plain.image_features(chunk.images.inner(), mode);
            (images, plain.text_features(chunk.tokens.inner()))
        })
        .unzip();
    let loss = loss_at_features(model, Tensor::cat(images, 0), Tensor::cat(texts, 0), cut.tile);

    let mut sum = GradientsAccumulator::new();
    for (index, chunk) in batch.chunks(size).enumerate() {
        let rows = index * size..index * size + chunk.len();
        let mode = chunk.mode(true);
        let images = model.image_features(chunk.images, mode);
        backward(model, images, loss.image_features.clone().slice([rows.clone()]), &mut sum);
        let texts = model.text_features(chunk.tokens);
        backward(model, texts, loss.text_features.clone().slice([rows]), &mut sum);
    }
    finish(model, sum, loss.logit_scale, loss.loss)
}

fn loss_at_features(
    model: &Clip,
    images: Tensor<2>,
    texts: Tensor<2>,
    tile: usize,
) -> ContrastiveGradients {
    tiled_contrastive_loss(images, texts, model.logit_scale.val().inner(), tile)
}

/// Hands the derivative at the features down their graph.
fn backward(
    model: &Clip,
    features: Tensor<2>,
    derivative: Tensor<2>,
    sum: &mut GradientsAccumulator<Clip>,
) {
    let gradients = (features * Tensor::from_inner(derivative)).sum().backward();
    sum.accumulate(model, GradientsParams::from_grads(gradients, model));
}

fn finish(
    model: &Clip,
    mut sum: GradientsAccumulator<Clip>,
    logit_scale: Tensor<1>,
    loss: Tensor<1>,
) -> (Tensor<1>, GradientsParams) {
    let mut gradients = sum.grads();
    gradients.register(model.logit_scale.id, logit_scale);
    (loss, gradients)
}
