//! The loop: batches in, a model out, nothing lost on the way.

mod evaluate;
mod finish;
mod memory;
mod parts;
mod plan;
mod resume;
mod teacher;

pub use evaluate::*;
pub use memory::*;
pub use plan::*;

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use burn::module::Module;
use burn::tensor::{Device, Tensor, TensorData};
use burn::train::Interrupter;
use clip_data::{ClipBatch, PairLoader};
use clip_model::preprocess::ImageTransform;
use clip_model::{Clip, ClipConfig, Tokenizer, images_to_tensor};

use crate::memory::resident_megabytes;
use crate::report::StepMetrics;
use crate::view::View;
use crate::{
    Checkpoints, ClipLearner, Fault, Journal, OnFault, Outcome, Pairs, Progress, RunFolder,
    Schedule, TrainConfig, TrainError, gradients_over_ranks,
};
use parts::Parts;
use teacher::Teacher;

/// How a run came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// All steps are done, or nothing got better for as long as the settings say.
    Complete,
    /// Someone asked it to stop; it can be resumed.
    Interrupted,
}

/// A run: a model, its optimizer and the data, at some step.
pub struct Trainer {
    pub(crate) config: TrainConfig,
    pub(crate) model_config: ClipConfig,
    pub(crate) folder: RunFolder,
    pub(crate) tokenizer: Arc<Tokenizer>,
    pub(crate) transform: ImageTransform,
    pub(crate) learner: ClipLearner,
    pub(crate) samples: usize,
    /// The device of each rank without autodiff; data and evaluation live on the first.
    pub(crate) devices: Vec<Device>,
    pub(crate) progress: Progress,
    pub(crate) checkpoints: Checkpoints,
    /// The weights that fine-tuning started from, for WiSE-FT.
    start: Option<Clip>,
    teacher: Option<Teacher>,
    loader: PairLoader,
    schedule: Schedule,
    journal: Journal,
    skipped_in_a_row: u64,
}

impl Trainer {
    /// A new run in a new folder.
    ///
    /// # Errors
    ///
    /// When a setting is impossible, data or device cannot be used, or the folder is taken.
    pub fn start(config: TrainConfig, folder: &Path) -> Result<Self, TrainError> {
        let parts = Parts::new(&config)?;
        let learner = ClipLearner::new(&config, parts.fresh_start());
        let progress = Progress::start(&config, parts.samples);
        let folder = RunFolder::create(folder, &config)?;
        Self::assemble(config, parts, folder, learner, progress)
    }

    fn assemble(
        config: TrainConfig,
        parts: Parts,
        folder: RunFolder,
        learner: ClipLearner,
        mut progress: Progress,
    ) -> Result<Self, TrainError> {
        progress.loss_scale = learner.loss_scale;
        let loader = PairLoader::resume(
            parts.loader_config(&config),
            parts.tokenizer.clone(),
            progress.loader.clone(),
        )?;
        let keeps_start = config.finetune.as_ref().is_some_and(|tuned| tuned.wise_ft.is_some());
        Ok(Self {
            checkpoints: Checkpoints::new(folder.checkpoints(), config.checkpoints),
            journal: Journal::open(&folder, progress.step)?,
            model_config: parts.model_config,
            tokenizer: parts.tokenizer,
            transform: parts.transform,
            devices: parts.devices,
            start: keeps_start.then(|| parts.start.valid().materialize()),
            teacher: parts.teacher,
            skipped_in_a_row: 0,
            config,
            folder,
            learner,
            samples: parts.samples,
            loader,
            progress,
            schedule: parts.schedule,
        })
    }

    /// Steps of the whole run.
    pub fn steps(&self) -> u64 {
        self.schedule.steps
    }

    /// Steps done.
    pub fn step(&self) -> u64 {
        self.progress.step
    }

    /// Trains to the last step, or until `interrupter` says stop. A checkpoint is saved every
    /// so many steps, when interrupted, and at the end.
    ///
    /// # Errors
    ///
    /// When the data gives out, the loss diverges, or the last checkpoint cannot be written. What
    /// cannot be written on the way is shown in the `view` and tried again at the next occasion,
    /// unless the settings say to stop.
    pub fn run(
        &mut self,
        view: &mut dyn View,
        interrupter: &Interrupter,
    ) -> Result<Ended, TrainError> {
        while self.progress.step < self.schedule.steps && !self.has_stalled() {
            if interrupter.should_stop() {
                self.save()?;
                return Ok(Ended::Interrupted);
            }
            let metrics = self.one_step(view).inspect_err(|error| self.rescue(error, view))?;
            view.step(&metrics);
            let logged = self.journal.append(&metrics);
            self.tolerate(logged, view)?;
            if self.is_due(self.config.evaluation.every) {
                self.evaluate_now(view).inspect_err(|error| self.rescue(error, view))?;
            }
            if self.is_due(self.config.checkpoints.every) {
                let saved = self.save();
                self.tolerate(saved, view)?;
            }
        }
        if self.has_stalled() {
            let best = self.progress.best_step().unwrap_or_default();
            view.note(&format!("nothing got better since step {best}; stopping"));
        }
        self.save()?;
        Ok(Ended::Complete)
    }

    /// A full disk need not end a run that may find room again.
    fn tolerate(
        &self,
        outcome: Result<(), TrainError>,
        view: &mut dyn View,
    ) -> Result<(), TrainError> {
        match outcome {
            Err(error) if self.config.faults.write == OnFault::Skip => {
                view.note(&format!("training goes on, although: {error}"));
                Ok(())
            }
            outcome => outcome,
        }
    }

    /// Whether something that happens every so many steps happens now; the end has its own.
    fn is_due(&self, every: u64) -> bool {
        let step = self.progress.step;
        every > 0 && step.is_multiple_of(every) && step < self.schedule.steps
    }

    fn has_stalled(&self) -> bool {
        let patience = self.config.evaluation.patience;
        patience > 0 && self.progress.best.as_ref().is_some_and(|best| best.worse >= patience)
    }

    fn one_step(&mut self, view: &mut dyn View) -> Result<StepMetrics, TrainError> {
        let started = Instant::now();
        let batch = self.next_batch()?;
        let waited = started.elapsed().as_secs_f64();
        let (epoch, loader) = (batch.epoch, batch.state.clone());
        let lr = self.schedule.at(self.progress.step);
        let pairs = self.upload(batch);
        let (loss, outcome) = self.update(&pairs, lr)?;
        self.progress.step += 1;
        self.progress.loader = loader;
        self.progress.loss_scale = self.learner.loss_scale;
        match &outcome.fault {
            Some(fault) => self.count_skipped(fault, view)?,
            None => self.skipped_in_a_row = 0,
        }
        let scale = self.learner.model.logit_scale.val().into_data().iter::<f64>().sum::<f64>();
        let seconds = started.elapsed().as_secs_f64();
        Ok(StepMetrics {
            step: self.progress.step,
            loss,
            logit_scale: scale.exp(),
            lr,
            pairs_per_second: self.config.batch_size as f64 / seconds,
            gradient_norm: outcome.gradient_norm,
            parameter_norm: outcome.parameter_norm,
            data_wait: waited / seconds,
            memory: resident_megabytes(),
            epoch,
            skipped: outcome.fault.is_some(),
        })
    }

    fn next_batch(&mut self) -> Result<ClipBatch, TrainError> {
        // The loader is endless, so that it never gives nothing.
        let batch = self.loader.next();
        Ok(batch.ok_or_else(|| TrainError::Setting("the data ended".into()))??)
    }

    fn upload(&self, batch: ClipBatch) -> Pairs {
        let device = &self.devices[0];
        let images = images_to_tensor(batch.images, &self.transform, device);
        let context = self.tokenizer.context_length();
        let tokens = TensorData::new(batch.tokens, [batch.batch, context]);
        let tokens = Tensor::from_data(tokens, device);
        // Steps are far enough apart that no two images of a run draw from the same seed.
        let seed = (self.config.seed << 48) ^ (self.progress.step << 24);
        Pairs { images: Tensor::from_inner(images), tokens: Tensor::from_inner(tokens), seed }
    }

    /// One update; the loss and what became of it.
    fn update(&mut self, pairs: &Pairs, lr: f64) -> Result<(f64, Outcome), TrainError> {
        let options = self.config.step_options(self.learner.loss_scale.factor());
        let mut objective = self.config.objective();
        objective.teacher =
            self.teacher.as_ref().map(|teacher| teacher.features(pairs, options.micro_batch));
        let (loss, gradients) =
            gradients_over_ranks(&self.learner.model, pairs, &objective, options, &self.devices)?;
        let loss = loss.into_data().iter::<f64>().sum::<f64>();
        Ok((loss, self.learner.update(loss, gradients, lr, self.progress.step)))
    }

    fn count_skipped(&mut self, fault: &Fault, view: &mut dyn View) -> Result<(), TrainError> {
        self.progress.skipped += 1;
        let step = self.progress.step;
        // Finding the loss scale of f16 overflows now and then.
        let searching = self.learner.loss_scale.is_searching() && *fault != Fault::Loss;
        self.skipped_in_a_row += u64::from(!searching);
        let faults = self.config.faults;
        let stop = faults.non_finite == OnFault::Stop && !searching;
        if stop || self.skipped_in_a_row >= faults.max_skipped {
            let (steps, fault) = (self.skipped_in_a_row, fault.clone());
            return Err(TrainError::Diverged { step, steps, fault });
        }
        view.note(&format!("step {step}: update left out, {fault}"));
        Ok(())
    }

    /// Saves the steps done when data gives out, that to train on or that to evaluate on.
    fn rescue(&self, error: &TrainError, view: &mut dyn View) {
        let worth_it =
            matches!(error, TrainError::Loader(_) | TrainError::Data(_)) && self.progress.step > 0;
        if worth_it && let Err(error) = self.save() {
            view.note(&error.to_string());
        }
    }

    fn save(&self) -> Result<(), TrainError> {
        self.checkpoints.save(&self.learner, &self.model_config, &self.progress)?;
        // Settings that were changed on resuming stay changed, once they have proved to work.
        self.config.save(&self.folder.config())
    }

    /// The trained model, without autodiff.
    pub fn trained(&self) -> Clip {
        self.learner.trained()
    }

    /// Samples that the loader passed over, in words, where there were any.
    pub fn data_faults(&self) -> Option<String> {
        let stats = self.loader.stats();
        (stats.bad_total() > 0).then(|| stats.to_string())
    }
}
