use std::path::Path;

use clip_data::{CaptionDraw, LoaderOptions, TrainTransform};
use serde::{Deserialize, Serialize};

use crate::files::{read_text, write_atomically};
use crate::{
    Cooldown, Loss, LrScheduler, Objective, OptimizerConfig, Precision, Schedule, StepOptions,
    TowersConfig, TrainError,
};

mod sections;

pub use sections::*;

/// What [`EvaluationConfig::best`] may name.
const METRICS: [&str; 9] = [
    "zero_shot top1",
    "zero_shot top5",
    "image_to_text recall@1",
    "image_to_text recall@5",
    "image_to_text recall@10",
    "text_to_image recall@1",
    "text_to_image recall@5",
    "text_to_image recall@10",
    "held_out loss",
];

/// Length of a run that is given neither steps nor epochs.
const DEFAULT_STEPS: u64 = 800;

/// Everything that determines a training run, as its `config.toml` holds it.
///
/// A key that is not listed here is refused. A table that is given, such as `[transform]`, has
/// defaults of its own for what it leaves out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TrainConfig {
    /// A preset's name or the path of an open_clip JSON file.
    pub model: String,
    /// Training shards: paths, folders, globs, addresses, `{000..009}` braces, `@LIST`.
    pub data: Vec<String>,
    /// Shards to evaluate on at the end; none for no evaluation.
    pub eval_data: Vec<String>,
    /// `cpu`, `cuda:N`, `vulkan`, `metal` or `wgpu`; several, `cuda:0,cuda:1`, share each batch.
    pub device: String,
    /// Pairs of one step, all of which are each other's negatives.
    pub batch_size: usize,
    /// Pairs whose activations are held at once; 0 for the whole batch.
    pub micro_batch: usize,
    /// Rows and columns of logits held at once.
    pub tile: usize,
    /// The loss: `softmax`, the paper's, or `sigmoid`, SigLIP's, for a model with a logit bias; or,
    /// without contrast, `bag-of-words` or `caption`, the baselines of the paper's figure 2.
    pub loss: Loss,
    /// Part of each softmax target that is spread over the batch.
    pub label_smoothing: f64,
    /// A weights file, folder or hub id of a CLIP whose softmax over the batch is a second target.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub teacher: Option<String>,
    /// What the towers compute in: `f32`, `bf16` or `f16`.
    pub precision: Precision,
    /// Keep the inputs of the towers' blocks alone and compute the rest again on the way back.
    pub recompute: bool,
    /// Length of the run in steps. Default: 800, where `epochs` is not given either.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub steps: Option<u64>,
    /// Length of the run in epochs, in place of `steps`: passes over the data, or as many samples
    /// as `loader.samples_per_epoch` says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub epochs: Option<f64>,
    /// Learning rate at the end of the warm-up.
    pub lr: f64,
    /// Steps of linear warm-up.
    pub warmup: u64,
    /// What the learning rate does then: `cosine`, `const` or `const-cooldown`.
    pub lr_scheduler: LrScheduler,
    /// Largest global norm of the gradient; 0 for no limit.
    pub clip_norm: f64,
    /// Seed of weights, order and augmentation.
    pub seed: u64,
    /// Decay of the weights' moving average, which is then evaluated and exported; 0 for none.
    pub ema_decay: f64,
    /// How `const-cooldown` ends.
    pub cooldown: Cooldown,
    /// The optimizer.
    pub optimizer: OptimizerConfig,
    /// Learning rates and locks of the towers.
    pub towers: TowersConfig,
    /// What the run starts from, if not from scratch.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub finetune: Option<FinetuneConfig>,
    /// When the model is evaluated.
    pub evaluation: EvaluationConfig,
    /// When checkpoints are saved, and which are kept.
    pub checkpoints: CheckpointsConfig,
    /// What happens when something goes wrong.
    pub faults: FaultsConfig,
    /// What happens to an image before a step.
    pub transform: TrainTransform,
    /// How a caption is drawn.
    pub captions: CaptionDraw,
    /// How the data is read.
    pub loader: LoaderOptions,
}

impl TrainConfig {
    /// The configuration in a TOML file; what it leaves out has its default.
    ///
    /// # Errors
    ///
    /// When the file cannot be read or has an unknown key or a wrong type.
    pub fn load(path: &Path) -> Result<Self, TrainError> {
        Self::parse(&read_text(path)?).map_err(|error| {
            TrainError::Setting(format!("{} is not valid: {error}", path.display()))
        })
    }

    fn parse(text: &str) -> Result<Self, toml::de::Error> {
        let mut config: Self = toml::from_str(text)?;
        let table: toml::Table = toml::from_str(text)?;
        // The sample's drawings say little about other data.
        if table.contains_key("data") && !table.contains_key("eval_data") {
            config.eval_data.clear();
        }
        Ok(config)
    }

    /// Writes the configuration as TOML.
    ///
    /// # Errors
    ///
    /// When the file cannot be written.
    pub fn save(&self, path: &Path) -> Result<(), TrainError> {
        let text =
            toml::to_string_pretty(self).map_err(|error| TrainError::file("write", path, error))?;
        write_atomically(path, text.as_bytes())
    }

    /// Checks what can be checked without opening anything.
    ///
    /// # Errors
    ///
    /// [`TrainError::Setting`] with the first impossible value.
    pub fn validate(&self) -> Result<(), TrainError> {
        let checks = [
            (self.batch_size >= 2, "batch_size must be at least 2: one pair has no negatives"),
            (
                self.steps.is_none() || self.epochs.is_none(),
                "steps and epochs both say how long the run is; give one of them",
            ),
            (self.steps != Some(0), "steps must be above 0"),
            (self.epochs.is_none_or(|epochs| epochs > 0.0), "epochs must be above 0"),
            (
                self.device_names().count() <= self.batch_size,
                "batch_size must be at least the number of devices: each takes a part of the batch",
            ),
            (self.lr > 0.0 && self.lr.is_finite(), "lr must be above 0"),
            (self.clip_norm >= 0.0, "clip_norm must not be negative"),
            (self.tile > 0, "tile must be above 0"),
            (self.checkpoints.every > 0, "checkpoints: every must be above 0"),
            (
                (0.0..1.0).contains(&self.label_smoothing),
                "label_smoothing lies between 0 and 1, without 1",
            ),
            (
                self.loss == Loss::Softmax
                    || (self.label_smoothing == 0.0 && self.teacher.is_none()),
                "label_smoothing and teacher go with loss = \"softmax\"",
            ),
            (
                self.loss.is_contrastive() || !self.recompute,
                "recompute goes with loss = \"softmax\" or \"sigmoid\"",
            ),
            ((0.0..1.0).contains(&self.ema_decay), "ema_decay lies between 0 and 1, without 1"),
            (
                self.towers.is_possible(),
                "towers: lr_scale must be above 0, layer_decay lies above 0 and at most at 1; \
                 unlocked_layers goes with lock, freeze_batch_norm with the image tower",
            ),
            (
                self.finetune.as_ref().is_none_or(FinetuneConfig::is_possible),
                "finetune: rank and alpha of lora must be above 0, wise_ft lies between 0 and 1",
            ),
            (
                self.evaluation.patience == 0
                    || (self.evaluation.best.is_some() && self.evaluation.every > 0),
                "evaluation: patience needs best, the metric to go by, and every, how often",
            ),
            (
                (self.evaluation.every == 0 && self.evaluation.best.is_none())
                    || !self.eval_data.is_empty(),
                "evaluation: every and best need something to evaluate on; give eval_data",
            ),
            (
                self.evaluation.best.as_ref().is_none_or(|best| METRICS.contains(&best.as_str())),
                "evaluation: best is one of zero_shot top1, zero_shot top5, image_to_text recall@1, \
                 recall@5 or recall@10, text_to_image likewise, held_out loss",
            ),
            (self.faults.max_skipped > 0, "faults: max_skipped must be above 0"),
            (!self.data.is_empty(), "give the shards to train on with --data"),
            (
                self.lr_scheduler != LrScheduler::ConstCooldown || self.cooldown.steps > 0,
                "lr_scheduler = \"const-cooldown\" needs the length of the cooldown: give its steps \
                 under [cooldown]",
            ),
            (
                self.cooldown.power > 0.0 && (0.0..=self.lr).contains(&self.cooldown.end_lr),
                "cooldown: the power is above 0, end_lr between 0 and lr",
            ),
        ];
        let failed = checks.into_iter().find(|(holds, _)| !holds).map(|(_, message)| message);
        match failed.or(self.optimizer.fault()) {
            Some(message) => Err(TrainError::Setting(message.into())),
            None => Ok(()),
        }
    }

    /// How the gradient of a batch is computed.
    pub(crate) fn step_options(&self, loss_scale: f64) -> StepOptions {
        StepOptions {
            micro_batch: self.micro_batch(),
            tile: self.tile,
            recompute: self.recompute,
            precision: self.precision,
            loss_scale,
            // What is not trained keeps its statistics, too.
            freeze_batch_norm: self.towers.image.freeze_batch_norm
                || self.towers.image.lock
                || self.finetune.as_ref().is_some_and(|finetune| finetune.lora.is_some()),
        }
    }

    /// What is asked of a batch, without a teacher.
    pub(crate) fn objective(&self) -> Objective {
        Objective { loss: self.loss, label_smoothing: self.label_smoothing, teacher: None }
    }

    /// The model's name: its preset or file, or what it is fine-tuned from.
    pub(crate) fn model_name(&self) -> &str {
        match &self.finetune {
            Some(finetune) => &finetune.weights,
            None => &self.model,
        }
    }

    /// The devices that share each batch, one a rank.
    pub(crate) fn device_names(&self) -> impl Iterator<Item = &str> {
        self.device.split(',').map(str::trim)
    }

    /// Pairs of a micro-batch.
    pub fn micro_batch(&self) -> usize {
        if self.micro_batch == 0 { self.batch_size } else { self.micro_batch.min(self.batch_size) }
    }

    /// The learning rates of a run on `samples` samples.
    ///
    /// # Errors
    ///
    /// [`TrainError::Setting`] when the cooldown is longer than the run.
    pub fn schedule(&self, samples: usize) -> Result<Schedule, TrainError> {
        let (steps, cooldown) = (self.total_steps(samples), self.cooldown);
        if self.lr_scheduler == LrScheduler::ConstCooldown && cooldown.steps > steps {
            return Err(TrainError::Setting(format!(
                "the cooldown takes {} steps and the run {steps}: make it shorter",
                cooldown.steps
            )));
        }
        let (scheduler, warmup) = (self.lr_scheduler, self.warmup.min(steps / 2));
        Ok(Schedule { scheduler, peak: self.lr, warmup, cooldown, steps })
    }

    /// Steps of the run, for `samples` samples in the data.
    fn total_steps(&self, samples: usize) -> u64 {
        match (self.steps, self.epochs) {
            (Some(steps), _) => steps,
            (None, None) => DEFAULT_STEPS,
            (None, Some(epochs)) => {
                let steps = epochs * samples as f64 / self.batch_size as f64;
                (steps.round() as u64).max(1)
            }
        }
    }
}

impl Default for TrainConfig {
    /// A run on the sample data that a laptop's CPU finishes in minutes.
    fn default() -> Self {
        Self {
            model: "RN-nano".into(),
            data: vec!["assets/sample/train-{000..007}.tar.gz".into()],
            eval_data: vec!["assets/sample/test-000.tar.gz".into()],
            device: "cpu".into(),
            batch_size: 256,
            micro_batch: 0,
            tile: 512,
            loss: Loss::default(),
            label_smoothing: 0.0,
            teacher: None,
            precision: Precision::default(),
            recompute: false,
            steps: None,
            epochs: None,
            lr: 2e-3,
            warmup: 40,
            lr_scheduler: LrScheduler::default(),
            clip_norm: 0.0,
            seed: 0,
            ema_decay: 0.0,
            cooldown: Cooldown::default(),
            optimizer: OptimizerConfig::default(),
            towers: TowersConfig::default(),
            finetune: None,
            evaluation: EvaluationConfig::default(),
            checkpoints: CheckpointsConfig::default(),
            faults: FaultsConfig::default(),
            transform: TrainTransform { white_share: 0.75, ..TrainTransform::default() },
            captions: CaptionDraw::default(),
            loader: LoaderOptions::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_data_is_not_evaluated_on_the_sample() {
        let evaluated = |text: &str| TrainConfig::parse(text).unwrap().eval_data;
        assert_eq!(evaluated("lr = 1.0"), TrainConfig::default().eval_data);
        assert!(evaluated("data = [\"a.tar\"]").is_empty());
        assert_eq!(evaluated("data = [\"a.tar\"]\neval_data = [\"b.tar\"]"), ["b.tar"]);
    }

    #[test]
    fn a_cooldown_fits_into_the_run_or_is_refused() {
        let cooling = |text: &str| -> TrainConfig {
            toml::from_str(&format!("lr_scheduler = \"const-cooldown\"\n{text}")).unwrap()
        };
        let fits = cooling("steps = 20\n[cooldown]\nsteps = 20");
        assert!(fits.validate().is_ok() && fits.schedule(1_000).is_ok());
        let long = cooling("steps = 20\n[cooldown]\nsteps = 21").schedule(1_000);
        assert!(long.unwrap_err().to_string().contains("takes 21 steps and the run 20"));
        let none = cooling("steps = 20").validate();
        assert!(none.unwrap_err().to_string().contains("under [cooldown]"));
        for impossible in ["steps = 5\npower = 0.0", "steps = 5\nend_lr = 1.0"] {
            assert!(cooling(&format!("[cooldown]\n{impossible}")).validate().is_err());
        }
    }
}
