//! A model with what it learns by: an update from a gradient, or none where that is not finite.

mod adapters;
mod fault;
mod loss_scale;
mod order;

pub use adapters::*;
pub use fault::*;
pub use loss_scale::*;

use burn::module::Module;
use burn::optim::{GradientsParams, ModuleOptimizer};
use burn::tensor::Device;
use clip_model::Clip;

use self::order::RowOrder;
use crate::{
    Ema, Moments, OptimizerConfig, Precision, TowersConfig, TrainConfig, global_norm,
    parameter_norm, scale_gradients,
};

/// A model, its optimizer and its average.
pub struct ClipLearner {
    /// The model, with autodiff.
    pub model: Clip,
    /// What moves it.
    pub optimizer: ModuleOptimizer,
    pub(crate) average: Option<Ema>,
    pub(crate) loss_scale: LossScale,
    config: OptimizerConfig,
    towers: TowersConfig,
    clip_norm: f64,
    seed: u64,
}

/// What became of a step.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    /// Global norm of the gradient before clipping.
    pub gradient_norm: f64,
    /// Global norm of the parameters after the step.
    pub parameter_norm: f64,
    /// Why the update was left out.
    pub fault: Option<Fault>,
}

impl ClipLearner {
    /// The learner of a run's settings for `model`, which is on an autodiff device.
    pub fn new(config: &TrainConfig, model: Clip) -> Self {
        let model = config.towers.lock(model.map(&mut RowOrder));
        Self {
            optimizer: config.optimizer.init(&model, &config.towers),
            average: (config.ema_decay > 0.0).then(|| Ema::new(&model, config.ema_decay)),
            loss_scale: match config.precision {
                Precision::F16 => LossScale::dynamic(),
                _ => LossScale::none(),
            },
            config: config.optimizer,
            towers: config.towers,
            clip_norm: config.clip_norm,
            seed: config.seed,
            model,
        }
    }

    /// Updates the model, unless loss, gradient or result is not finite. Running statistics of a
    /// ResNet moved when the gradient was computed, and stay where they are either way.
    ///
    /// `step` counts from 0 and decides the optimizer's random numbers.
    pub fn update(
        &mut self,
        loss: f64,
        mut gradients: GradientsParams,
        lr: f64,
        step: u64,
    ) -> Outcome {
        let gradient_norm = global_norm(&self.model, &gradients);
        if !loss.is_finite() || !gradient_norm.is_finite() {
            self.loss_scale.failed();
            return self.unchanged(
                gradient_norm,
                match loss.is_finite() {
                    true => Fault::in_gradients(&self.model, &gradients),
                    false => Fault::Loss,
                },
            );
        }
        if self.clip_norm > 0.0 && gradient_norm > self.clip_norm {
            // The small number is PyTorch's.
            let factor = self.clip_norm / (gradient_norm + 1e-6);
            scale_gradients(&self.model, &mut gradients, factor);
        }
        if self.config.moments == Moments::Bf16 {
            // A resumed run must round as one that was never interrupted.
            self.device().seed(self.seed ^ step.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        }
        let moved = self.optimizer.step(lr, self.model.clone(), gradients).clamp_logit_scale();
        let parameter_norm = parameter_norm(&moved);
        if !parameter_norm.is_finite() {
            // Finite weights and gradients: it is the optimizer's state that is broken.
            self.optimizer = self.config.init(&self.model, &self.towers);
            return self.unchanged(gradient_norm, Fault::in_parameters(&moved));
        }
        self.model = moved;
        self.loss_scale.succeeded();
        if let Some(average) = &mut self.average {
            average.update(&self.model);
        }
        Outcome { gradient_norm, parameter_norm, fault: None }
    }

    fn unchanged(&self, gradient_norm: f64, fault: Fault) -> Outcome {
        let parameter_norm = parameter_norm(&self.model);
        Outcome { gradient_norm, parameter_norm, fault: Some(fault) }
    }

    /// The weights to evaluate and export, without autodiff and adapters: their average where the
    /// run keeps one.
    pub fn trained(&self) -> Clip {
        match &self.average {
            Some(average) => average.model.clone().materialize(),
            None => self.model.valid().materialize(),
        }
    }

    fn device(&self) -> Device {
        self.model.logit_scale.val().device()
    }
}
