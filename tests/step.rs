//! The training step against the dense loss over the whole batch, through plain autodiff.

use burn::module::{Module, ModuleVisitor, Param};
use burn::optim::GradientsParams;
use burn::tensor::{Device, Distribution, Int, Tensor, TensorData};
use clip_model::loss::{
    contrastive_loss, distillation_loss, sigmoid_loss, tiled_contrastive_loss, tiled_sigmoid_loss,
};
use clip_model::{Clip, ClipConfig, Mode, Statistics, bags_of_words, normalize};
use clip_train::{
    LoraConfig, Loss, Objective, OptimizerConfig, Pairs, Precision, StepOptions, TeacherFeatures,
    TowerConfig, TowersConfig, gradients_over_ranks, with_adapters,
};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::golden::{largest, relative_error};

/// Pairs in a batch.
const BATCH: usize = 64;

/// A ViT that drops half of its patches.
const VIT: &str = r#"{
    "embed_dim": 12, "init_logit_bias": -2.0, "init_logit_scale": 2.0,
    "vision_cfg": {"image_size": 32, "layers": 2, "width": 16, "head_width": 8, "patch_size": 8,
                   "patch_dropout": 0.5},
    "text_cfg": {"context_length": 8, "vocab_size": 64, "width": 16, "heads": 2, "layers": 2}
}"#;

const RESNET: &str = r#"{
    "embed_dim": 12, "init_logit_bias": -2.0, "init_logit_scale": 2.0,
    "vision_cfg": {"image_size": 32, "layers": [1, 1, 1, 1], "width": 4, "head_width": 64},
    "text_cfg": {"context_length": 8, "vocab_size": 64, "width": 16, "heads": 2, "layers": 2}
}"#;

fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().iter::<f32>().collect()
}

/// A model whose every parameter has a gradient: the paper's start leaves some branches at zero.
fn model(config: &str, seed: u64) -> Clip {
    let config: ClipConfig = serde_json::from_str(config).unwrap();
    let model = config.init(&Device::flex(), seed).unwrap();
    model.map(&mut Shake(ChaCha8Rng::seed_from_u64(seed))).train()
}

struct Shake(ChaCha8Rng);

impl burn::module::ModuleMapper for Shake {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let random = &mut self.0;
        param.map(|tensor| {
            let shape = tensor.dims();
            let noise: Vec<f32> =
                (0..shape.iter().product()).map(|_| random.random_range(0.0..0.1)).collect();
            let device = tensor.device();
            tensor + Tensor::from_data(TensorData::new(noise, shape), &device)
        })
    }
}

fn pairs(batch: usize) -> Pairs {
    let device = Device::flex();
    let mut random = ChaCha8Rng::seed_from_u64(5);
    let pixels: Vec<f32> =
        (0..batch * 3 * 32 * 32).map(|_| random.random_range(-2.0..2.0)).collect();
    let ids: Vec<i32> = (0..batch * 8).map(|_| random.random_range(1..64)).collect();
    let images = Tensor::<4>::from_data(TensorData::new(pixels, [batch, 3, 32, 32]), &device);
    let tokens = Tensor::<2, Int>::from_data(TensorData::new(ids, [batch, 8]), &device);
    Pairs { images: Tensor::from_inner(images), tokens: Tensor::from_inner(tokens), seed: 77 }
}

fn teacher(batch: usize) -> TeacherFeatures {
    let model = model(VIT, 9).valid();
    let pairs = pairs(batch);
    TeacherFeatures {
        images: model.image_features(pairs.images.inner(), Mode::Evaluation),
        texts: model.text_features(pairs.tokens.inner()),
        logit_scale: model.logit_scale.val(),
    }
}

struct All<'a>(&'a GradientsParams, Vec<Vec<f32>>);

impl ModuleVisitor for All<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if let Some(gradient) = self.0.get::<D>(param.id) {
            self.1.push(values(gradient));
        }
    }
}

fn all(model: &Clip, gradients: &GradientsParams) -> Vec<Vec<f32>> {
    let mut visitor = All(gradients, Vec::new());
    model.visit(&mut visitor);
    visitor.1
}

/// Loss and gradients as Burn's autodiff has them of the dense loss.
fn dense(model: &Clip, pairs: &Pairs, objective: &Objective) -> (f32, Vec<Vec<f32>>) {
    let mode = Mode::Training { statistics: Statistics::Running, seed: pairs.seed };
    if !objective.loss.is_contrastive() {
        return dense_prediction(model, pairs, objective.loss, mode);
    }
    let images = model.image_features(pairs.images.clone(), mode);
    let texts = model.text_features(pairs.tokens.clone());
    let scale = model.logit_scale.val();
    let mut loss = match objective.loss {
        Loss::Sigmoid => {
            let bias = model.logit_bias.as_ref().unwrap().val();
            sigmoid_loss(images.clone(), texts.clone(), scale.clone(), bias)
        }
        _ => contrastive_loss(
            images.clone(),
            texts.clone(),
            scale.clone(),
            objective.label_smoothing,
        ),
    };
    if let Some(teacher) = &objective.teacher {
        let student = images.matmul(texts.transpose()) * scale.exp().unsqueeze();
        let factor = teacher.logit_scale.clone().exp().unsqueeze();
        let teacher = teacher.images.clone().matmul(teacher.texts.clone().transpose()) * factor;
        loss = loss + distillation_loss(student, Tensor::from_inner(teacher));
    }
    let gradients = GradientsParams::from_grads(loss.clone().backward(), model);
    (values(loss.inner())[0], all(model, &gradients))
}

/// The same for a loss without contrast.
fn dense_prediction(model: &Clip, pairs: &Pairs, loss: Loss, mode: Mode) -> (f32, Vec<Vec<f32>>) {
    let images = model.visual.forward(pairs.images.clone(), mode);
    let likelihood: Tensor<1> = match loss {
        Loss::Caption => model.caption_log_likelihood(images, pairs.tokens.clone()),
        _ => {
            let log_probs = model.word_log_probs(images);
            let [_, vocabulary] = log_probs.dims();
            (log_probs * bags_of_words(pairs.tokens.clone(), vocabulary)).sum_dim(1).squeeze_dim(1)
        }
    };
    let loss = -likelihood.mean();
    let gradients = GradientsParams::from_grads(loss.clone().backward(), model);
    (values(loss.inner())[0], all(model, &gradients))
}

/// Largest relative error of a gradient; a tensor's scale is at least a thousandth of the largest
/// gradient, because some are zero but for rounding (a key projection's bias).
fn worst(ours: &[Vec<f32>], theirs: &[Vec<f32>]) -> f32 {
    assert_eq!(ours.len(), theirs.len(), "a gradient is missing or too many");
    let floor = theirs.iter().map(|g| largest(g)).fold(0.0, f32::max) * 1e-3;
    let error = |(a, b): (&Vec<f32>, &Vec<f32>)| relative_error(a, b, largest(b).max(floor));
    ours.iter().zip(theirs).map(error).fold(0.0, f32::max)
}

fn objectives() -> Vec<(&'static str, Objective)> {
    let plain = Objective::default();
    let sigmoid = Objective { loss: Loss::Sigmoid, ..plain.clone() };
    let smooth = Objective { label_smoothing: 0.1, ..plain.clone() };
    let taught = Objective { teacher: Some(teacher(BATCH)), ..smooth.clone() };
    vec![("softmax", plain), ("sigmoid", sigmoid), ("smoothed", smooth), ("distilled", taught)]
}

/// Micro-batch, tile, ranks and whether activations are recomputed.
type Cut = (usize, usize, usize, bool);

fn assert_equal_to_dense(config: &str, objectives: &[(&str, Objective)], cuts: &[Cut]) {
    assert_model_equal_to_dense(&model(config, 3), objectives, cuts);
}

fn assert_model_equal_to_dense(model: &Clip, objectives: &[(&str, Objective)], cuts: &[Cut]) {
    let pairs = pairs(BATCH);
    for (name, objective) in objectives {
        let (loss, whole) = dense(model, &pairs, objective);
        for (micro_batch, tile, ranks, recompute) in cuts.iter().copied() {
            let options = StepOptions {
                micro_batch,
                tile,
                recompute,
                freeze_batch_norm: true,
                ..StepOptions::whole()
            };
            let devices = vec![Device::flex(); ranks];
            let (our_loss, gradients) =
                gradients_over_ranks(model, &pairs, objective, options, &devices).unwrap();
            let case = format!("{name}, {micro_batch} {tile} {ranks} {recompute}");
            assert!((values(our_loss)[0] - loss).abs() < 2e-6 * loss, "{case}: loss");
            let error = worst(&all(model, &gradients), &whole);
            assert!(error < 1e-5, "{case}: differs by {error:e}");
        }
    }
}

#[test]
fn micro_batches_give_the_gradient_of_the_dense_loss() {
    let cuts: Vec<Cut> = [1, 2, 4, 8, 13, 16, 32, 64].map(|size| (size, BATCH, 1, false)).to_vec();
    assert_equal_to_dense(VIT, &objectives(), &cuts);
    assert_equal_to_dense(RESNET, &objectives()[..2], &cuts[3..]);
}

#[test]
fn tiles_give_the_gradient_of_the_dense_loss() {
    let cuts: Vec<Cut> = [1, 2, 7, 32, 63, 64, 100].map(|tile| (64, tile, 1, false)).to_vec();
    assert_equal_to_dense(VIT, &objectives(), &cuts);
    assert_equal_to_dense(RESNET, &objectives()[..2], &cuts[2..3]);
}

#[test]
fn ranks_give_the_gradient_of_the_dense_loss() {
    let cuts: Vec<Cut> = (2..=8).map(|ranks| (64, 64, ranks, false)).collect();
    assert_equal_to_dense(VIT, &objectives(), &cuts);
    assert_equal_to_dense(RESNET, &objectives()[..2], &cuts[..2]);
}

#[test]
fn recomputed_activations_give_the_gradient_of_the_dense_loss() {
    let cuts = [(64, 64, 1, true), (16, 64, 1, true)];
    assert_equal_to_dense(VIT, &objectives()[..2], &cuts);
    assert_equal_to_dense(RESNET, &objectives()[..2], &cuts);
}

#[test]
fn locked_and_adapted_towers_give_the_gradient_of_what_is_trained() {
    let cuts = [(64, 64, 1, false), (16, 64, 1, true), (16, 20, 3, false)];
    let tower = |lock, unlocked_layers| TowerConfig { lock, unlocked_layers, ..Default::default() };
    let locks = [
        TowersConfig { image: tower(true, 0), ..Default::default() },
        TowersConfig { image: tower(true, 1), text: tower(true, 2) },
        TowersConfig { text: tower(true, 0), ..Default::default() },
    ];
    for config in [VIT, RESNET] {
        let all = count(&model(config, 3));
        for towers in locks {
            let locked = towers.lock(model(config, 3));
            assert!(count(&locked) < all);
            assert_model_equal_to_dense(&locked, &objectives()[1..2], &cuts);
        }
        Device::flex().seed(1);
        let adapted = with_adapters(model(config, 3), LoraConfig { rank: 2, alpha: 4.0 });
        assert_model_equal_to_dense(&adapted, &objectives()[1..2], &cuts);
    }
}

/// Parameters that are trained.
fn count(model: &Clip) -> usize {
    struct Count(usize);
    impl ModuleVisitor for Count {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            self.0 += usize::from(param.is_require_grad());
        }
    }
    let mut count = Count(0);
    model.visit(&mut count);
    count.0
}

#[test]
fn losses_without_contrast_are_added_up_over_micro_batches_and_ranks() {
    let objective = |loss| Objective { loss, ..Objective::default() };
    let predictions =
        [("words", objective(Loss::BagOfWords)), ("caption", objective(Loss::Caption))];
    let cuts = [(64, 64, 1, false), (13, 64, 1, false), (64, 64, 5, false), (3, 64, 3, false)];
    assert_equal_to_dense(VIT, &predictions, &cuts);
    // Of captions, this ResNet's gradients cancel to a thousandth of the embeddings', and f32 has no
    // five digits of them.
    assert_equal_to_dense(RESNET, &predictions[..1], &cuts[1..]);
}

#[test]
fn all_together_give_the_gradient_of_the_dense_loss() {
    let cuts = [(3, 5, 8, true), (4, 9, 3, false), (1, 1, 2, false)];
    assert_equal_to_dense(VIT, &objectives(), &cuts);
    assert_equal_to_dense(RESNET, &objectives()[..2], &cuts[..2]);
}

#[test]
fn the_mean_over_halves_is_not_the_gradient_of_the_whole() {
    // Plain accumulation would pass the tests above if negatives of other parts did not matter.
    let (model, batch) = (model(VIT, 3), pairs(BATCH));
    let objective = Objective::default();
    let (_, whole) = dense(&model, &batch, &objective);
    let half = |range| dense(&model, &batch.part(range), &objective).1;
    let (first, second) = (half(0..32), half(32..64));
    let mean: Vec<Vec<f32>> = first
        .iter()
        .zip(&second)
        .map(|(a, b)| a.iter().zip(b).map(|(a, b)| (a + b) / 2.0).collect())
        .collect();
    assert!(worst(&mean, &whole) > 1e-2);
}

#[test]
fn other_patches_give_another_gradient() {
    // Or the second pass would not have to draw the patches of the first.
    let (model, batch) = (model(VIT, 3), pairs(BATCH));
    let other = Pairs { seed: 78, ..batch.clone() };
    let gradient = |batch| dense(&model, batch, &Objective::default()).1;
    assert!(worst(&gradient(&other), &gradient(&batch)) > 1e-2);
}

#[test]
fn reduced_precision_points_where_single_precision_does() {
    for (config, least) in [(VIT, 0.999), (RESNET, 0.995)] {
        let (model, pairs) = (model(config, 3), pairs(BATCH));
        let objective = Objective { loss: Loss::Sigmoid, ..Objective::default() };
        let (_, exact) = dense(&model, &pairs, &objective);
        for (precision, loss_scale) in [(Precision::Bf16, 1.0), (Precision::F16, 64.0)] {
            for micro_batch in [BATCH, 16] {
                let options = StepOptions {
                    micro_batch,
                    precision,
                    loss_scale,
                    freeze_batch_norm: true,
                    ..StepOptions::whole()
                };
                let devices = [Device::flex()];
                let (_, gradients) =
                    gradients_over_ranks(&model, &pairs, &objective, options, &devices).unwrap();
                let ours = all(&model, &gradients);
                assert_eq!(ours.len(), exact.len());
                let cosine = cosine(&ours.concat(), &exact.concat());
                assert!((least..0.999_999_99).contains(&cosine), "{precision:?}: {cosine}");
                let (ours, exact) = (largest(&ours.concat()), largest(&exact.concat()));
                assert!((ours / exact - 1.0).abs() < 0.1, "{precision:?}: {ours}, {exact}");
            }
        }
    }
}

fn cosine(a: &[f32], b: &[f32]) -> f64 {
    let dot = |a: &[f32], b: &[f32]| {
        a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum::<f64>()
    };
    dot(a, b) / (dot(a, a) * dot(b, b)).sqrt()
}

#[test]
fn tiled_losses_and_gradients_equal_the_dense_ones() {
    let device = Device::flex();
    let random = || {
        let features = Tensor::<2>::random([23, 12], Distribution::Normal(0.0, 1.0), &device);
        normalize(features)
    };
    let (images, texts) = (random(), random());
    let scalar = |value: f32| Tensor::<1>::from_floats([value], &device);
    let (scale, bias) = (scalar(3.0), scalar(-7.0));
    let leaf = |x: Tensor<2>| Tensor::from_inner(x).require_grad();
    let (i, t) = (leaf(images.clone()), leaf(texts.clone()));
    let s = Tensor::from_inner(scale.clone()).require_grad();
    let b = Tensor::from_inner(bias.clone()).require_grad();
    for sigmoid in [false, true] {
        let dense = match sigmoid {
            false => contrastive_loss(i.clone(), t.clone(), s.clone(), 0.0),
            true => sigmoid_loss(i.clone(), t.clone(), s.clone(), b.clone()),
        };
        let gradients = dense.backward();
        for tile in [1, 5, 23, 100] {
            let (images, texts, scale) = (images.clone(), texts.clone(), scale.clone());
            let tiled = match sigmoid {
                false => tiled_contrastive_loss(images, texts, scale, tile),
                true => tiled_sigmoid_loss(images, texts, scale, bias.clone(), tile),
            };
            let mut pairs = vec![
                (values(tiled.loss), values(dense.clone().inner())),
                (values(tiled.image_features), values(i.grad(&gradients).unwrap())),
                (values(tiled.text_features), values(t.grad(&gradients).unwrap())),
                (values(tiled.logit_scale), values(s.grad(&gradients).unwrap())),
            ];
            if sigmoid {
                pairs.push((values(tiled.logit_bias), values(b.grad(&gradients).unwrap())));
            }
            for (ours, dense) in pairs {
                let error = relative_error(&ours, &dense, largest(&dense));
                assert!(error < 3e-6, "sigmoid {sigmoid}, tile {tile}: differs by {error:e}");
            }
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
    let model = model(VIT, 0);
    let mut before = Parameters::default();
    model.visit(&mut before);
    let adamw = OptimizerConfig { weight_decay: 0.5, ..OptimizerConfig::default() };
    // Without a gradient, decay is all that a step does: 0.1 * 0.5.
    let towers = TowersConfig::default();
    let moved = adamw.init(&model, &towers).step(0.1, model, before.zeros);
    let mut after = Parameters::default();
    moved.visit(&mut after);
    assert_eq!(before.found.len(), after.found.len());
    for ((is_vector, before), (_, after)) in before.found.iter().zip(&after.found) {
        let factor = if *is_vector { 1.0 } else { 0.95 };
        let expected: Vec<f32> = before.iter().map(|value| value * factor).collect();
        assert!(relative_error(after, &expected, largest(before)) < 1e-6, "vector: {is_vector}");
    }
}
