//! Properties of the training step.

use burn::module::{Module, ModuleVisitor, Param};
use burn::optim::GradientsParams;
use burn::tensor::{Device, Distribution, Tensor};
use clip_model::loss::{contrastive_loss, tiled_contrastive_loss};
use clip_model::normalize;
use clip_train::{AdamW, Cut, contrastive_gradients};

use crate::golden::{Golden, largest, relative_error};

fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().iter::<f32>().collect()
}

struct All<'a>(&'a GradientsParams, Vec<Vec<f32>>);

impl ModuleVisitor for All<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if let Some(gradient) = self.0.get::<D>(param.id) {
            self.1.push(values(gradient));
        }
    }
}

fn all(model: &clip_model::Clip, gradients: &GradientsParams) -> Vec<Vec<f32>> {
    let mut visitor = All(gradients, Vec::new());
    model.visit(&mut visitor);
    visitor.1
}

#[test]
fn tiled_loss_and_gradient_equal_the_dense_ones() {
    let device = Device::flex();
    let random = || {
        let features = Tensor::<2>::random([23, 12], Distribution::Normal(0.0, 1.0), &device);
        normalize(features)
    };
    let (images, texts) = (random(), random());
    let scale = Tensor::<1>::from_floats([3.0], &device);
    let leaf = |x: Tensor<2>| Tensor::from_inner(x).require_grad();
    let (i, t) = (leaf(images.clone()), leaf(texts.clone()));
    let s = Tensor::from_inner(scale.clone()).require_grad();
    let dense = contrastive_loss(i.clone(), t.clone(), s.clone());
    let gradients = dense.backward();

    for tile in [1, 5, 23, 100] {
        let tiled = tiled_contrastive_loss(images.clone(), texts.clone(), scale.clone(), tile);
        let pairs = [
            (values(tiled.loss), values(dense.clone().inner())),
            (values(tiled.image_features), values(i.grad(&gradients).unwrap())),
            (values(tiled.text_features), values(t.grad(&gradients).unwrap())),
            (values(tiled.logit_scale), values(s.grad(&gradients).unwrap())),
        ];
        for (ours, dense) in pairs {
            let error = relative_error(&ours, &dense, largest(&dense));
            assert!(error < 2e-6, "tile {tile}: differs by {error:e}");
        }
    }
}

#[test]
fn a_scale_at_its_limit_stays_finite_in_tiles() {
    let device = Device::flex();
    let features = normalize(Tensor::random([16, 8], Distribution::Normal(0.0, 1.0), &device));
    let scale = Tensor::<1>::from_floats([clip_model::MAX_LOG_SCALE as f32], &device);
    let loss = tiled_contrastive_loss(features.clone(), features, scale, 3);
    assert!(values(loss.loss).iter().chain(&values(loss.image_features)).all(|x| x.is_finite()));
}

#[test]
fn micro_batches_give_the_gradient_of_the_whole_batch() {
    let device = Device::flex().autodiff();
    let golden = Golden::open("vit-quickgelu");
    let model = golden.model(&device);
    let batch = golden.pairs(&device);
    let (loss, gradients) = contrastive_gradients(&model, &batch, Cut { micro_batch: 6, tile: 6 });
    let (loss, whole) = (values(loss), all(&model, &gradients));
    let floor = whole.iter().map(|g| largest(g)).fold(0.0, f32::max) * 1e-3;
    for micro_batch in [1, 2, 3, 4] {
        let cut = Cut { micro_batch, tile: 2 };
        let (micro_loss, gradients) = contrastive_gradients(&model, &batch, cut);
        assert!(relative_error(&values(micro_loss), &loss, loss[0]) < 1e-6);
        let micro = all(&model, &gradients);
        assert_eq!(micro.len(), whole.len());
        for (micro, whole) in micro.iter().zip(&whole) {
            let error = relative_error(micro, whole, largest(whole).max(floor));
            assert!(error < 1e-5, "micro-batch {micro_batch}: differs by {error:e}");
        }
    }
}

#[test]
fn the_mean_over_halves_is_not_the_gradient_of_the_whole() {
    // Plain accumulation would pass the test above if negatives of other parts did not matter.
    let device = Device::flex().autodiff();
    let golden = Golden::open("vit-quickgelu");
    let model = golden.model(&device);
    let batch = golden.pairs(&device);
    let half = |start: usize| clip_train::Pairs {
        images: batch.images.clone().narrow(0, start, 3),
        tokens: batch.tokens.clone().narrow(0, start, 3),
        seed: 0,
    };
    let gradient = |pairs: &clip_train::Pairs| {
        let (_, gradients) = contrastive_gradients(&model, pairs, Cut { micro_batch: 6, tile: 6 });
        all(&model, &gradients)[0].clone()
    };
    let (whole, first, second) = (gradient(&batch), gradient(&half(0)), gradient(&half(3)));
    let mean: Vec<f32> = first.iter().zip(&second).map(|(a, b)| (a + b) / 2.0).collect();
    assert!(relative_error(&mean, &whole, largest(&whole)) > 1e-2);
}

/// Every parameter by path: whether it is a vector, and its values.
#[derive(Default)]
struct Parameters {
    found: Vec<(bool, Vec<f32>)>,
    zeros: GradientsParams,
}

impl ModuleVisitor for Parameters {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        self.found.push((D < 2, values(param.val())));
        self.zeros.register(param.id, param.val().inner().zeros_like());
    }
}

#[test]
fn gains_biases_and_the_logit_scale_do_not_decay() {
    let device = Device::flex().autodiff();
    let model = Golden::open("vit-quickgelu").model(&device);
    let mut before = Parameters::default();
    model.visit(&mut before);
    let adamw = AdamW { weight_decay: 0.5, ..AdamW::default() };
    // Without a gradient, decay is all that a step does: 0.1 * 0.5.
    let moved = adamw.init(&model).step(0.1, model, before.zeros);
    let mut after = Parameters::default();
    moved.visit(&mut after);
    assert_eq!(before.found.len(), after.found.len());
    for ((is_vector, before), (_, after)) in before.found.iter().zip(&after.found) {
        let factor = if *is_vector { 1.0 } else { 0.95 };
        let expected: Vec<f32> = before.iter().map(|value| value * factor).collect();
        assert!(relative_error(after, &expected, largest(before)) < 1e-6, "vector: {is_vector}");
    }
}
