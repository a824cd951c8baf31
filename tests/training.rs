//! Twenty steps of open_clip's own training loop and of ours, from the same weights in the same
//! data order (see `reference/make_training.py`).

use std::collections::BTreeMap;
use std::path::Path;

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use clip_model::Mode;
use clip_model::weights::{StateDict, load_model, save_safetensors};
use clip_train::{
    ClipLearner, Cooldown, LrScheduler, Objective, OptimizerConfig, Pairs, StepOptions,
    TeacherFeatures, TrainConfig, gradients_over_ranks,
};
use serde_json::Value;

use crate::golden::{Golden, largest, relative_error};

const CASES: [&str; 5] = [
    "train-vit-softmax",
    "train-vit-sigmoid",
    "train-resnet-softmax",
    "train-vit-accum",
    "train-vit-distill",
];

/// Relative error allowed for losses and for weights.
const LOSSES: f64 = 1e-4;
const WEIGHTS: f32 = 1e-3;

/// The settings of a case as ours.
fn settings(golden: &Golden) -> (TrainConfig, Value) {
    let text = std::fs::read_to_string(golden.folder.join("settings.json")).unwrap();
    let json: Value = serde_json::from_str(&text).unwrap();
    let number = |name: &str| json[name].as_f64().unwrap();
    let config = TrainConfig {
        batch_size: json["batch_size"].as_u64().unwrap() as usize,
        micro_batch: json["micro_batch"].as_u64().unwrap() as usize,
        steps: json["steps"].as_u64(),
        lr: number("lr"),
        warmup: json["warmup"].as_u64().unwrap(),
        lr_scheduler: serde_json::from_value(json["lr_scheduler"].clone()).unwrap(),
        cooldown: Cooldown {
            steps: json["cooldown_steps"].as_u64().unwrap(),
            power: number("cooldown_power"),
            end_lr: number("cooldown_end_lr"),
        },
        clip_norm: json["grad_clip_norm"].as_f64().unwrap_or(0.0),
        loss: serde_json::from_value(json["loss"].clone()).unwrap(),
        optimizer: OptimizerConfig {
            beta1: number("beta1") as f32,
            beta2: Some(number("beta2") as f32),
            epsilon: Some(number("eps") as f32),
            weight_decay: number("wd") as f32,
            ..OptimizerConfig::default()
        },
        ..TrainConfig::default()
    };
    (config, json)
}

/// The pairs of each step.
fn batches(golden: &Golden, device: &Device) -> Vec<Pairs> {
    let (images, tokens) = (golden.images(device), golden.tokens(device));
    let order = golden.integers("order");
    let batch = order.len() / 20;
    let rows = |step: &[i64]| {
        let rows = Tensor::<1, burn::tensor::Int>::from_data(step, device);
        let images = images.clone().select(0, rows.clone());
        let tokens = tokens.clone().select(0, rows);
        Pairs { images: Tensor::from_inner(images), tokens: Tensor::from_inner(tokens), seed: 0 }
    };
    order.chunks(batch).map(rows).collect()
}

fn teacher(golden: &Golden, pairs: &Pairs, device: &Device) -> Option<TeacherFeatures> {
    let path = golden.folder.join("teacher.safetensors");
    path.exists().then(|| {
        let weights = StateDict::open(&path).unwrap();
        let model = load_model(&golden.config, &weights, burn::tensor::DType::F32, device).unwrap();
        TeacherFeatures {
            images: model.image_features(pairs.images.clone().inner(), Mode::Evaluation),
            texts: model.text_features(pairs.tokens.clone().inner()),
            logit_scale: model.logit_scale.val(),
        }
    })
}

/// What a case leaves: loss and learning rate of each step, and the learner.
fn train(golden: &Golden, config: &TrainConfig) -> (Vec<f64>, Vec<f64>, ClipLearner) {
    let device = Device::flex();
    let mut learner = ClipLearner::new(config, golden.model(&device.clone().autodiff()));
    let schedule = config.schedule(1).unwrap();
    let options =
        StepOptions { micro_batch: config.micro_batch(), tile: 5, ..StepOptions::whole() };
    let (mut losses, mut rates) = (Vec::new(), Vec::new());
    for (step, pairs) in batches(golden, &device).iter().enumerate() {
        let objective = Objective {
            loss: config.loss,
            teacher: teacher(golden, pairs, &device),
            ..Objective::default()
        };
        let devices = [device.clone()];
        let (loss, gradients) =
            gradients_over_ranks(&learner.model, pairs, &objective, options, &devices).unwrap();
        let loss = loss.into_data().iter::<f64>().sum::<f64>();
        let lr = schedule.at(step as u64);
        let outcome = learner.update(loss, gradients, lr, step as u64);
        assert_eq!(outcome.fault, None);
        losses.push(loss);
        rates.push(lr);
    }
    (losses, rates, learner)
}

/// Largest relative error of a list of numbers.
fn error_of(golden: &Golden, name: &str, ours: &[f64]) -> f64 {
    let theirs = golden.values(name).1;
    assert_eq!(ours.len(), theirs.len());
    let error = |(a, b): (&f64, &f32)| (a - f64::from(*b)).abs() / f64::from(b.abs());
    ours.iter().zip(&theirs).map(error).fold(0.0, f64::max)
}

/// The learner's weights under open_clip's names.
fn weights(learner: &ClipLearner, golden: &Golden, folder: &Path) -> BTreeMap<String, Vec<f32>> {
    let path = folder.join("weights.safetensors");
    save_safetensors(&learner.model.valid(), &golden.config, &path).unwrap();
    let bytes = std::fs::read(path).unwrap();
    let file = safetensors::SafeTensors::deserialize(&bytes).unwrap();
    let floats = |name: &str| {
        let data = file.tensor(name).unwrap();
        (data.dtype() == safetensors::Dtype::F32).then(|| {
            let values = data.data().chunks_exact(4);
            values.map(|b| f32::from_le_bytes(b.try_into().unwrap())).collect()
        })
    };
    file.names().into_iter().filter_map(|name| Some((name.to_owned(), floats(name)?))).collect()
}

/// The largest error of a tensor, relative to its largest value.
///
/// The bias of a key projection adds the same to all of a softmax: its gradient is rounding alone,
/// which Adam divides by its own size. It may wander as far as the learning rates allow.
fn weight_error(name: &str, ours: &[f32], theirs: &[f32], wander: f32) -> f32 {
    if name.ends_with("k_proj.bias") {
        assert!(relative_error(ours, theirs, 1.0) <= wander, "{name} wandered");
        return 0.0;
    }
    if !name.ends_with("in_proj_bias") {
        return relative_error(ours, theirs, largest(theirs));
    }
    let third = ours.len() / 3;
    let (keys, rest) = (third..2 * third, [0..third, 2 * third..3 * third]);
    assert!(relative_error(&ours[keys.clone()], &theirs[keys], 1.0) <= wander, "{name} wandered");
    let error = |part: std::ops::Range<usize>| {
        relative_error(&ours[part.clone()], &theirs[part], largest(theirs))
    };
    rest.map(error).into_iter().fold(0.0, f32::max)
}

#[test]
fn twenty_steps_end_where_those_of_open_clip_do() {
    for case in CASES {
        let golden = Golden::open(case);
        let (config, _) = settings(&golden);
        let (losses, rates, learner) = train(&golden, &config);
        let error = error_of(&golden, "losses", &losses);
        assert!(error <= LOSSES, "{case}: losses differ by {error:e}");
        assert!(error_of(&golden, "lrs", &rates) <= 1e-6, "{case}: learning rates differ");
        let folder = tempfile::tempdir().unwrap();
        let wander = rates.iter().sum::<f64>() as f32;
        let mut worst = (0.0, String::new());
        for (name, ours) in weights(&learner, &golden, folder.path()) {
            let (_, theirs) = golden.values(&format!("final.{name}"));
            let error = weight_error(&name, &ours, &theirs, wander);
            if error > worst.0 || error.is_nan() {
                worst = (error, name);
            }
        }
        println!("{case}: losses {error:e}, weights {:e} ({})", worst.0, worst.1);
        assert!(worst.0 <= WEIGHTS, "{case}: {} differs by {:e}", worst.1, worst.0);
    }
}

/// A comparison that a wrong setting passes would prove nothing.
#[test]
fn a_wrong_setting_is_noticed() {
    let golden = Golden::open("train-vit-softmax");
    let right = settings(&golden).0;
    let adamw = |change: fn(&mut OptimizerConfig)| {
        let mut config = right.clone();
        change(&mut config.optimizer);
        config
    };
    let wrong = [
        ("decay", adamw(|optimizer| optimizer.weight_decay = 0.0)),
        ("beta2", adamw(|optimizer| optimizer.beta2 = Some(0.975))),
        ("clipping", TrainConfig { clip_norm: 0.0, ..right.clone() }),
        ("warm-up", TrainConfig { warmup: 6, ..right.clone() }),
        ("schedule", TrainConfig { lr_scheduler: LrScheduler::Const, ..right.clone() }),
        ("learning rate", TrainConfig { lr: 1.01e-3, ..right.clone() }),
    ];
    for (name, config) in wrong {
        let losses = train(&golden, &config).0;
        let error = error_of(&golden, "losses", &losses);
        assert!(error > LOSSES, "{name}: {error:e}");
    }
}
