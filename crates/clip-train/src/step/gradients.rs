//! The gradient of the whole batch's loss, in micro-batches.
//!
//! Gao et al. 2021, <https://arxiv.org/abs/2101.06983>: the loss needs only features, so its
//! gradient is taken there, over the whole batch, and then handed to each micro-batch's graph.

use burn::module::{Module, ModuleVisitor, Param};
use burn::optim::GradientsParams;
use burn::tensor::Tensor;
use clip_model::loss::FeatureGradients;
use clip_model::{Clip, Mode, Statistics};

use super::loss::{LocalFeatures, loss_at_features};
use super::predictive::predictive_gradients;
use super::recompute::{self, Tower};
use super::sum::GradientSum;
use super::{Exchange, Loss, Objective, Pairs, RankLost, StepOptions};
use crate::scale_gradients;

/// The loss of a batch, `[1]`, and the gradient of every parameter that is trained.
///
/// Equal to the dense loss over the whole batch, whatever the options cut it into; only batch
/// statistics of a ModifiedResNet are those of the micro-batch. Where ranks share a batch, `batch`
/// and the objective's teacher features are this rank's part of it, the loss is that of the whole,
/// and the gradients of all ranks are to be added up.
///
/// # Errors
///
/// [`RankLost`] when another rank has ended.
pub fn batch_gradients(
    model: &Clip,
    batch: &Pairs,
    objective: &Objective,
    options: StepOptions,
    exchange: &Exchange,
) -> Result<(Tensor<1>, GradientsParams), RankLost> {
    if !objective.loss.is_contrastive() {
        return predictive_gradients(model, batch, objective.loss, options, exchange);
    }
    let working = options.precision.working_copy(model);
    let step = Step {
        plain: working.valid(),
        trained: [Tower::Image, Tower::Text].map(|tower| is_trained(&working, tower)),
        working,
        objective,
        options,
        exchange,
    };
    let whole = options.micro_batch >= batch.len();
    let (loss, sum) = match whole && !options.recompute {
        true => step.at_once(batch)?,
        false => step.in_micro_batches(batch, options.micro_batch.clamp(1, batch.len()))?,
    };
    let mut gradients = sum.into_gradients();
    if options.loss_scale != 1.0 {
        scale_gradients(model, &mut gradients, 1.0 / options.loss_scale);
    }
    let mut register = |param: &Param<Tensor<1>>, gradient| {
        if param.is_require_grad() {
            gradients.register(param.id, gradient);
        }
    };
    register(&model.logit_scale, loss.logit_scale);
    // A softmax does not see the bias: what it leaves there is rounding.
    let bias = model.logit_bias.as_ref().filter(|_| objective.loss == Loss::Sigmoid);
    if let Some(bias) = bias {
        register(bias, loss.logit_bias);
    }
    Ok((loss.loss, gradients))
}

struct Step<'a> {
    /// The model in the precision of the step, with a graph.
    working: Clip,
    /// The same without one.
    plain: Clip,
    /// Whether the image tower and the text tower have parameters that are trained.
    trained: [bool; 2],
    objective: &'a Objective,
    options: StepOptions,
    exchange: &'a Exchange,
}

impl Step<'_> {
    /// One forward pass: the features keep their graph until the loss is known.
    fn at_once(&self, batch: &Pairs) -> Result<(FeatureGradients, GradientSum), RankLost> {
        let features = |tower| match self.is_trained(tower) {
            true => features(&self.working, tower, batch, self.mode(batch, true)),
            false => Tensor::from_inner(self.beside_the_graph(tower, batch)),
        };
        let (images, texts) = (features(Tower::Image), features(Tower::Text));
        let loss = self.loss(images.clone().inner(), texts.clone().inner())?;
        let mut sum = GradientSum::default();
        self.backward(Tower::Image, images, loss.image_features.clone(), &mut sum);
        self.backward(Tower::Text, texts, loss.text_features.clone(), &mut sum);
        Ok((loss, sum))
    }

    /// Two forward passes: features without a graph, then each micro-batch again with one.
    fn in_micro_batches(
        &self,
        batch: &Pairs,
        size: usize,
    ) -> Result<(FeatureGradients, GradientSum), RankLost> {
        let features =
            |tower| batch.chunks(size).map(move |chunk| self.beside_the_graph(tower, &chunk));
        let images = Tensor::cat(features(Tower::Image).collect(), 0);
        let texts = Tensor::cat(features(Tower::Text).collect(), 0);
        let loss = self.loss(images, texts)?;
        let mut sum = GradientSum::default();
        for (index, chunk) in batch.chunks(size).enumerate() {
            let rows = index * size..index * size + chunk.len();
            for (tower, at_features) in
                [(Tower::Image, &loss.image_features), (Tower::Text, &loss.text_features)]
            {
                let derivative = at_features.clone().slice([rows.clone()]);
                self.again(tower, &chunk, derivative, &mut sum);
            }
        }
        Ok((loss, sum))
    }

    /// Encodes a micro-batch again and hands the derivative down.
    fn again(&self, tower: Tower, chunk: &Pairs, derivative: Tensor<2>, sum: &mut GradientSum) {
        if !self.is_trained(tower) {
            return;
        }
        if self.options.recompute {
            let kept =
                recompute::forward(&self.plain, tower, &chunk.inner(), self.mode(chunk, false));
            let derivative = derivative * self.options.loss_scale;
            let input = (chunk, self.mode(chunk, true));
            recompute::backward(&self.working, tower, input, kept, derivative, sum);
        } else {
            let features = features(&self.working, tower, chunk, self.mode(chunk, true));
            self.backward(tower, features, derivative, sum);
        }
    }

    fn beside_the_graph(&self, tower: Tower, pairs: &Pairs) -> Tensor<2> {
        features(&self.plain, tower, &pairs.inner(), self.mode(pairs, false))
    }

    fn is_trained(&self, tower: Tower) -> bool {
        self.trained[tower as usize]
    }

    fn mode(&self, pairs: &Pairs, last: bool) -> Mode {
        let statistics = match (self.options.freeze_batch_norm, last) {
            (true, _) => Statistics::Running,
            (false, true) => Statistics::Moving,
            (false, false) => Statistics::Batch,
        };
        Mode::Training { statistics, seed: pairs.seed }
    }

    fn loss(&self, images: Tensor<2>, texts: Tensor<2>) -> Result<FeatureGradients, RankLost> {
        let features = LocalFeatures {
            images,
            texts,
            logit_scale: self.plain.logit_scale.val(),
            logit_bias: self.plain.logit_bias.as_ref().map(|bias| bias.val()),
        };
        loss_at_features(&features, self.objective, self.options.tile, self.exchange)
    }

    /// Hands the derivative at the features down their graph.
    fn backward(
        &self,
        tower: Tower,
        features: Tensor<2>,
        derivative: Tensor<2>,
        sum: &mut GradientSum,
    ) {
        if self.is_trained(tower) {
            let derivative = derivative * self.options.loss_scale;
            let gradients = (features * Tensor::from_inner(derivative)).sum().backward();
            sum.add(&self.working, GradientsParams::from_grads(gradients, &self.working));
        }
    }
}

/// Normalised features, `[batch, embed]`.
fn features(model: &Clip, tower: Tower, pairs: &Pairs, mode: Mode) -> Tensor<2> {
    match tower {
        Tower::Image => model.image_features(pairs.images.clone(), mode),
        Tower::Text => model.text_features(pairs.tokens.clone()),
    }
}

fn is_trained(model: &Clip, tower: Tower) -> bool {
    let mut trained = AnyTrained(false);
    match tower {
        Tower::Image => model.visual.visit(&mut trained),
        Tower::Text => model.text.visit(&mut trained),
    }
    trained.0
}

struct AnyTrained(bool);

impl ModuleVisitor for AnyTrained {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        self.0 |= param.is_require_grad();
    }
}
