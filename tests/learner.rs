//! Numbers that are not finite, averages, adapters and interpolation.

use burn::module::{Module, ModuleVisitor, Param};
use burn::optim::GradientsParams;
use burn::tensor::{Device, Tensor};
use clip_model::{Clip, Mode};
use clip_train::{
    ClipLearner, Fault, FinetuneConfig, LoraConfig, Objective, OnFault, OptimizerConfig,
    OptimizerName, Pairs, StepOptions, TrainConfig, gradients_over_ranks, interpolate,
    with_adapters,
};

use crate::golden::Golden;

fn golden() -> (Golden, Device) {
    (Golden::open("vit-quickgelu"), Device::flex().autodiff())
}

fn gradients(learner: &ClipLearner, pairs: &Pairs) -> (f64, GradientsParams) {
    let devices = [Device::flex()];
    let objective = Objective::default();
    let step =
        gradients_over_ranks(&learner.model, pairs, &objective, StepOptions::whole(), &devices);
    let (loss, gradients) = step.unwrap();
    (loss.into_data().iter::<f64>().sum(), gradients)
}

#[derive(Default)]
struct Values(Vec<Vec<f32>>);

impl ModuleVisitor for Values {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        self.0.push(param.val().into_data().iter::<f32>().collect());
    }
}

fn values(model: &Clip) -> Vec<Vec<f32>> {
    let mut values = Values::default();
    model.visit(&mut values);
    values.0
}

#[test]
fn a_batch_that_is_not_finite_changes_nothing() {
    let (golden, device) = golden();
    let mut learner = ClipLearner::new(&TrainConfig::default(), golden.model(&device));
    let mut pairs = golden.pairs(&device);
    pairs.images = pairs.images * f32::NAN;
    let before = values(&learner.model);
    let (loss, broken) = gradients(&learner, &pairs);
    let outcome = learner.update(loss, broken, 1e-3, 0);
    assert_eq!(outcome.fault, Some(Fault::Loss));
    assert_eq!(values(&learner.model), before);
    // And the next good batch is taken.
    let (loss, good) = gradients(&learner, &golden.pairs(&device));
    assert_eq!(learner.update(loss, good, 1e-3, 1).fault, None);
    assert_ne!(values(&learner.model), before);
}

/// Makes the gradient of one parameter infinite.
fn spoil(learner: &ClipLearner, gradients: &mut GradientsParams) {
    let weight = &learner.model.text.ln_final.gamma;
    let gradient = gradients.remove::<1>(weight.id).unwrap();
    gradients.register(weight.id, gradient / 0.0);
}

#[test]
fn a_gradient_that_is_not_finite_is_named() {
    let (golden, device) = golden();
    let mut learner = ClipLearner::new(&TrainConfig::default(), golden.model(&device));
    let before = values(&learner.model);
    let (loss, mut broken) = gradients(&learner, &golden.pairs(&device));
    spoil(&learner, &mut broken);
    let outcome = learner.update(loss, broken, 1e-3, 0);
    assert_eq!(outcome.fault, Some(Fault::Gradient("ln_final.weight".into(), 0)));
    assert!(outcome.fault.unwrap().to_string().contains("the gradient of ln_final.weight"));
    assert_eq!(values(&learner.model), before);
}

#[test]
fn a_broken_state_of_the_optimizer_is_noticed_and_starts_anew() {
    let (golden, device) = golden();
    let mut learner = ClipLearner::new(&TrainConfig::default(), golden.model(&device));
    let pairs = golden.pairs(&device);
    // The optimizer's own step takes what `update` would have refused.
    let (_, mut broken) = gradients(&learner, &pairs);
    spoil(&learner, &mut broken);
    learner.optimizer.step(0.0, learner.model.clone(), broken);
    let before = values(&learner.model);
    let (loss, good) = gradients(&learner, &pairs);
    let outcome = learner.update(loss, good, 1e-3, 0);
    assert_eq!(outcome.fault, Some(Fault::Update("ln_final.weight".into(), 0)));
    assert_eq!(values(&learner.model), before);
    let (loss, good) = gradients(&learner, &pairs);
    assert_eq!(learner.update(loss, good, 1e-3, 1).fault, None);
    assert!(values(&learner.model).concat().iter().all(|value| value.is_finite()));
}

#[test]
fn the_average_follows_the_weights() {
    let (golden, device) = golden();
    let config = TrainConfig { ema_decay: 0.75, ..TrainConfig::default() };
    let mut learner = ClipLearner::new(&config, golden.model(&device));
    let mut expected = values(&learner.model.valid());
    for step in 0..3 {
        let (loss, good) = gradients(&learner, &golden.pairs(&device));
        learner.update(loss, good, 1e-2, step);
        for (average, now) in expected.iter_mut().zip(values(&learner.model.valid())) {
            average.iter_mut().zip(now).for_each(|(a, b)| *a = 0.75 * *a + 0.25 * b);
        }
    }
    let found = values(&learner.trained());
    for (found, expected) in found.iter().zip(&expected) {
        let apart = found.iter().zip(expected).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(apart < 1e-6);
    }
    assert_ne!(found, values(&learner.model.valid()));
}

#[test]
fn every_optimizer_lowers_the_loss() {
    let (golden, device) = golden();
    let names = [
        (OptimizerName::AdamW, 1e-3),
        (OptimizerName::Lion, 3e-4),
        (OptimizerName::Muon, 1e-3),
        (OptimizerName::Adafactor, 1e-2),
        (OptimizerName::Lamb, 1e-2),
    ];
    for (name, lr) in names {
        let optimizer = OptimizerConfig { name, ..OptimizerConfig::default() };
        let config = TrainConfig { optimizer, ..TrainConfig::default() };
        let mut learner = ClipLearner::new(&config, golden.model(&device));
        let pairs = golden.pairs(&device);
        let first = gradients(&learner, &pairs).0;
        for step in 0..15 {
            let (loss, good) = gradients(&learner, &pairs);
            assert_eq!(learner.update(loss, good, lr, step).fault, None);
        }
        let last = gradients(&learner, &pairs).0;
        assert!(last < 0.8 * first, "{name:?}: {first} to {last}");
    }
}

#[test]
fn adapters_alone_are_trained_and_merge_into_the_weights() {
    let (golden, device) = golden();
    let pairs = golden.pairs(&device);
    let model = golden.model(&device);
    let start = values(&model.valid());
    let plain = model.valid();
    let mut learner = ClipLearner::new(
        &TrainConfig::default(),
        with_adapters(model, LoraConfig { rank: 2, alpha: 4.0 }),
    );
    let features = |model: &Clip| {
        let images = model.image_features(pairs.images.clone().inner(), Mode::Evaluation);
        images.into_data().iter::<f32>().collect::<Vec<_>>()
    };
    let apart =
        |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    // Adapters begin at nothing.
    assert!(apart(&features(&learner.model.valid()), &features(&plain)) < 1e-6);
    let first = gradients(&learner, &pairs).0;
    for step in 0..20 {
        let (loss, good) = gradients(&learner, &pairs);
        learner.update(loss, good, 1e-2, step);
    }
    assert!(gradients(&learner, &pairs).0 < 0.9 * first);
    let merged = learner.trained();
    assert!(apart(&features(&merged), &features(&learner.model.valid())) < 1e-5);
    let merged = values(&merged);
    assert_eq!(merged.len(), start.len());
    let changed = merged.iter().zip(&start).filter(|(a, b)| a != b).count();
    // Four projections a block, two blocks a tower, and the logit scale.
    assert_eq!(changed, 4 * 2 * 2 + 1, "of {}", start.len());
}

#[test]
fn interpolated_weights_lie_between_start_and_end() {
    let (golden, device) = golden();
    let start = golden.model(&Device::flex());
    let mut learner = ClipLearner::new(&TrainConfig::default(), golden.model(&device));
    let (loss, good) = gradients(&learner, &golden.pairs(&device));
    learner.update(loss, good, 1e-2, 0);
    let (a, b) = (values(&start), values(&learner.trained()));
    let mixed = values(&interpolate(&start, learner.trained(), 0.25));
    for ((a, b), mixed) in a.concat().iter().zip(&b.concat()).zip(&mixed.concat()) {
        assert!((0.75 * a + 0.25 * b - mixed).abs() < 1e-6);
    }
}

#[test]
fn impossible_settings_are_named() {
    let lora = |rank| FinetuneConfig {
        weights: "x".into(),
        lora: Some(LoraConfig { rank, alpha: 1.0 }),
        wise_ft: None,
    };
    let mut wrong = TrainConfig { finetune: Some(lora(0)), ..TrainConfig::default() };
    assert!(wrong.validate().unwrap_err().to_string().contains("lora"));
    wrong.finetune = Some(lora(1));
    assert!(wrong.validate().is_ok());
    wrong.evaluation.patience = 3;
    assert!(wrong.validate().unwrap_err().to_string().contains("best"));
    wrong.evaluation.best = Some("zero_shot top1".into());
    assert!(wrong.validate().unwrap_err().to_string().contains("every"));
    wrong.evaluation.every = 10;
    let evaluated = std::mem::take(&mut wrong.eval_data);
    assert!(wrong.validate().unwrap_err().to_string().contains("eval_data"));
    wrong.eval_data = evaluated;
    wrong.towers.text.unlocked_layers = 1;
    assert!(wrong.validate().unwrap_err().to_string().contains("lock"));
    wrong.towers.text.lock = true;
    wrong.faults.non_finite = OnFault::Stop;
    assert!(wrong.validate().is_ok());
}
