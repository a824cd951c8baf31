use burn::optim::GradientsParams;
use burn::tensor::{Int, Tensor};
use clip_model::{Clip, Mode, Statistics, bags_of_words};

use super::loss::added;
use super::sum::GradientSum;
use super::{Exchange, Loss, Pairs, RankLost, StepOptions};
use crate::scale_gradients;

/// The mean loss of the pairs of all ranks, `[1]`, and this rank's part of its gradient.
///
/// A pair's loss has nothing to do with another's, so that micro-batches are simply added up.
pub(super) fn predictive_gradients(
    model: &Clip,
    batch: &Pairs,
    loss: Loss,
    options: StepOptions,
    exchange: &Exchange,
) -> Result<(Tensor<1>, GradientsParams), RankLost> {
    let working = options.precision.working_copy(model);
    let device = model.logit_scale.val().inner().device();
    let pairs = Tensor::<2>::full([1, 1], batch.len() as f64, &device);
    let pairs: Tensor<1> = added(exchange.gather(pairs)?).reshape([1]);
    let statistics = match options.freeze_batch_norm {
        true => Statistics::Running,
        false => Statistics::Moving,
    };
    let mut own = Tensor::<1>::zeros([1], &device);
    let mut sum = GradientSum::default();
    for chunk in batch.chunks(options.micro_batch.clamp(1, batch.len())) {
        let mode = Mode::Training { statistics, seed: chunk.seed };
        let images = working.visual.forward(chunk.images, mode);
        let part = pair_losses(&working, loss, images, chunk.tokens).sum();
        let part = part / Tensor::from_inner(pairs.clone());
        own = own + part.clone().inner();
        let gradients = (part * options.loss_scale).backward();
        sum.add(&working, GradientsParams::from_grads(gradients, &working));
    }
    let mut gradients = sum.into_gradients();
    if options.loss_scale != 1.0 {
        scale_gradients(model, &mut gradients, 1.0 / options.loss_scale);
    }
    let loss = added(exchange.gather(own.reshape([1, 1]))?);
    Ok((loss.reshape([1]), gradients))
}

/// The loss of each pair in nats, `[pairs]`: of a word on average, or of the whole caption.
///
/// # Shapes
///
/// - images: `[pairs, embed]`, image features, not normalised
/// - tokens: `[pairs, context]`
pub(crate) fn pair_losses(
    model: &Clip,
    loss: Loss,
    images: Tensor<2>,
    tokens: Tensor<2, Int>,
) -> Tensor<1> {
    if loss == Loss::Caption {
        return -model.caption_log_likelihood(images, tokens);
    }
    let log_probs = model.word_log_probs(images);
    let [_, vocabulary] = log_probs.dims();
    -(log_probs * bags_of_words(tokens, vocabulary)).sum_dim(1).squeeze_dim(1)
}
