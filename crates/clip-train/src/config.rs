use std::path::Path;

use clip_data::{CaptionDraw, LoaderOptions, TrainTransform};
use serde::{Deserialize, Serialize};

use crate::files::{read_text, write_atomically};
use crate::{AdamW, Cooldown, LrScheduler, Schedule, TrainError};

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
    /// `cpu`, `cuda:N`, `vulkan`, `metal` or `wgpu`.
    pub device: String,
    /// Pairs of one step, all of which are each other's negatives.
    pub batch_size: usize,
    /// Pairs whose activations are held at once; 0 for the whole batch.
    pub micro_batch: usize,
    /// Rows of logits held at once.
    pub tile: usize,
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
    /// Steps between checkpoints.
    pub checkpoint_every: u64,
    /// Checkpoints kept.
    pub keep_checkpoints: usize,
    /// How `const-cooldown` ends.
    pub cooldown: Cooldown,
    /// The optimizer.
    pub optimizer: AdamW,
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
        toml::from_str(&read_text(path)?).map_err(|error| {
            TrainError::Setting(format!("{} is not valid: {error}", path.display()))
        })
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
            (self.lr > 0.0 && self.lr.is_finite(), "lr must be above 0"),
            (self.clip_norm >= 0.0, "clip_norm must not be negative"),
            (self.tile > 0, "tile must be above 0"),
            (self.checkpoint_every > 0, "checkpoint_every must be above 0"),
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
            (
                self.optimizer.is_possible(),
                "optimizer: betas lie in 0..1, the rest is not negative",
            ),
        ];
        match checks.into_iter().find(|(holds, _)| !holds) {
            Some((_, message)) => Err(TrainError::Setting(message.into())),
            None => Ok(()),
        }
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
            tile: 1024,
            steps: None,
            epochs: None,
            lr: 2e-3,
            warmup: 40,
            lr_scheduler: LrScheduler::default(),
            clip_norm: 0.0,
            seed: 0,
            checkpoint_every: 100,
            keep_checkpoints: 2,
            cooldown: Cooldown::default(),
            optimizer: AdamW::default(),
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
