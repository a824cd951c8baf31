//! The loop: batches in, a model out, nothing lost on the way.

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use burn::module::Module;
use burn::optim::ModuleOptimizer;
use burn::tensor::{Device, Tensor, TensorData};
use burn::train::Interrupter;
use clip_data::{
    ClipBatch, DataError, LoaderConfig, LoaderState, PairLoader, ShardOpener, TrainTransform,
    count_samples, expand_shards, image_folder, open_pairs,
};
use clip_model::preprocess::ImageTransform;
use clip_model::{Clip, ClipConfig, Tokenizer, images_to_tensor};

use crate::report::StepMetrics;
use crate::view::View;
use crate::{
    Checkpoint, Checkpoints, Cut, MetricsLog, Pairs, Progress, RunFolder, Schedule, TrainConfig,
    TrainError, contrastive_gradients, global_norm, scale_gradients,
};

/// Steps in a row without a finite gradient after which a run is given up.
const MAX_SKIPPED_IN_A_ROW: u64 = 10;

/// How a run came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// All steps are done.
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
    pub(crate) model: Clip,
    pub(crate) samples: usize,
    /// The device without autodiff: data and evaluation live there.
    pub(crate) device: Device,
    optimizer: ModuleOptimizer,
    loader: PairLoader,
    progress: Progress,
    schedule: Schedule,
    checkpoints: Checkpoints,
    metrics: MetricsLog,
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
        let model = parts.model()?;
        let optimizer = config.optimizer.init(&model);
        let progress = Progress {
            step: 0,
            skipped: 0,
            loader: LoaderState::default(),
            version: env!("CARGO_PKG_VERSION").into(),
        };
        let folder = RunFolder::create(folder, &config)?;
        Self::assemble(config, parts, folder, model, optimizer, progress)
    }

    /// Goes on from the newest checkpoint in a run's folder.
    ///
    /// # Errors
    ///
    /// As [`start`](Self::start), and when there is no checkpoint or it is of another model.
    pub fn resume(config: TrainConfig, folder: &Path) -> Result<Self, TrainError> {
        let run = RunFolder::open(folder);
        let checkpoint = Checkpoints::new(run.checkpoints(), config.keep_checkpoints)
            .latest()
            .ok_or_else(|| TrainError::NoCheckpoint(folder.into()))?;
        let parts = Parts::new(&config)?;
        require_same_model(&checkpoint, &config.model, &parts.model_config)?;
        let model = checkpoint.load_model(parts.model()?)?;
        let optimizer = checkpoint.load_optimizer(config.optimizer.init(&model))?;
        let progress = checkpoint.progress()?;
        Self::assemble(config, parts, run, model, optimizer, progress)
    }

    fn assemble(
        config: TrainConfig,
        parts: Parts,
        folder: RunFolder,
        model: Clip,
        optimizer: ModuleOptimizer,
        progress: Progress,
    ) -> Result<Self, TrainError> {
        let loader = PairLoader::resume(
            loader_config(&config, &parts.model_config),
            parts.tokenizer.clone(),
            progress.loader.clone(),
        )?;
        Ok(Self {
            checkpoints: Checkpoints::new(folder.checkpoints(), config.keep_checkpoints),
            metrics: MetricsLog::open(&folder.metrics(), progress.step)?,
            model_config: parts.model_config,
            tokenizer: parts.tokenizer,
            device: parts.device,
            skipped_in_a_row: 0,
            config,
            folder,
            model,
            optimizer,
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
    /// cannot be written on the way is shown in the `view` and tried again at the next occasion.
    pub fn run(
        &mut self,
        view: &mut dyn View,
        interrupter: &Interrupter,
    ) -> Result<Ended, TrainError> {
        while self.progress.step < self.schedule.steps {
            if interrupter.should_stop() {
                self.save()?;
                return Ok(Ended::Interrupted);
            }
            let metrics = self.one_step(view).inspect_err(|error| self.rescue(error, view))?;
            view.step(&metrics);
            // A full disk must not end a run that may find room again.
            for outcome in [self.metrics.append(&metrics), self.save_if_due()] {
                if let Err(error) = outcome {
                    view.note(&format!("training goes on, although: {error}"));
                }
            }
        }
        self.save()?;
        Ok(Ended::Complete)
    }

    fn one_step(&mut self, view: &mut dyn View) -> Result<StepMetrics, TrainError> {
        let started = Instant::now();
        let batch = self.next_batch()?;
        let (epoch, loader) = (batch.epoch, batch.state.clone());
        let lr = self.schedule.at(self.progress.step);
        let (loss, gradient_norm) = self.update(self.upload(batch), lr);
        self.progress.step += 1;
        self.progress.loader = loader;
        let skipped = !(loss.is_finite() && gradient_norm.is_finite());
        match skipped {
            true => self.count_skipped(view)?,
            false => self.skipped_in_a_row = 0,
        }
        let scale = self.model.logit_scale.val().into_data().iter::<f64>().sum::<f64>();
        Ok(StepMetrics {
            step: self.progress.step,
            loss,
            logit_scale: scale.exp(),
            lr,
            pairs_per_second: self.config.batch_size as f64 / started.elapsed().as_secs_f64(),
            gradient_norm,
            epoch,
            skipped,
        })
    }

    fn next_batch(&mut self) -> Result<ClipBatch, TrainError> {
        // The loader is endless, so that it never gives nothing.
        let batch = self.loader.next();
        Ok(batch.ok_or_else(|| TrainError::Setting("the data ended".into()))??)
    }

    fn upload(&self, batch: ClipBatch) -> Pairs {
        let images =
            images_to_tensor(batch.images, &ImageTransform::openai(batch.size), &self.device);
        let context = self.tokenizer.context_length();
        let tokens = TensorData::new(batch.tokens, [batch.batch, context]);
        let tokens = Tensor::from_data(tokens, &self.device);
        // Steps are far enough apart that no two images of a run draw from the same seed.
        let seed = (self.config.seed << 48) ^ (self.progress.step << 24);
        Pairs { images: Tensor::from_inner(images), tokens: Tensor::from_inner(tokens), seed }
    }

    /// One update, left out when the loss or the gradient is not finite. Returns both, the
    /// gradient as its global norm before clipping.
    fn update(&mut self, pairs: Pairs, lr: f64) -> (f64, f64) {
        let cut = Cut { micro_batch: self.config.micro_batch(), tile: self.config.tile };
        let (loss, mut gradients) = contrastive_gradients(&self.model, &pairs, cut);
        let loss = loss.into_data().iter::<f64>().sum::<f64>();
        let norm = global_norm(&self.model, &gradients);
        if loss.is_finite() && norm.is_finite() {
            let limit = self.config.clip_norm;
            if limit > 0.0 && norm > limit {
                scale_gradients(&self.model, &mut gradients, limit / norm);
            }
            let model = self.optimizer.step(lr, self.model.clone(), gradients);
            self.model = model.clamp_logit_scale();
        }
        (loss, norm)
    }

    fn count_skipped(&mut self, view: &mut dyn View) -> Result<(), TrainError> {
        self.progress.skipped += 1;
        self.skipped_in_a_row += 1;
        let step = self.progress.step;
        if self.skipped_in_a_row >= MAX_SKIPPED_IN_A_ROW {
            return Err(TrainError::Diverged { step, steps: self.skipped_in_a_row });
        }
        view.note(&format!("step {step}: loss or gradient not finite, update left out"));
        Ok(())
    }

    fn save_if_due(&self) -> Result<(), TrainError> {
        let step = self.progress.step;
        match step.is_multiple_of(self.config.checkpoint_every) && step < self.schedule.steps {
            true => self.save(),
            false => Ok(()),
        }
    }

    /// Saves the steps done when the data gives out.
    fn rescue(&self, error: &TrainError, view: &mut dyn View) {
        let worth_it = matches!(error, TrainError::Loader(_)) && self.progress.step > 0;
        if worth_it && let Err(error) = self.save() {
            view.note(&error.to_string());
        }
    }

    fn save(&self) -> Result<(), TrainError> {
        // Settings that were changed on resuming stay changed, once they have proved to work.
        self.config.save(&self.folder.config())?;
        self.checkpoints.save(&self.model, &self.optimizer, &self.model_config, &self.progress)
    }

    /// The trained model, without autodiff.
    pub fn trained(&self) -> Clip {
        self.model.valid()
    }

    /// Samples that the loader passed over, in words, where there were any.
    pub fn data_faults(&self) -> Option<String> {
        let stats = self.loader.stats();
        (stats.bad_total() > 0).then(|| stats.to_string())
    }
}

/// What a run needs whether it starts or resumes.
struct Parts {
    model_config: ClipConfig,
    tokenizer: Arc<Tokenizer>,
    device: Device,
    samples: usize,
    schedule: Schedule,
    seed: u64,
}

impl Parts {
    fn new(config: &TrainConfig) -> Result<Self, TrainError> {
        config.validate()?;
        let model_config = ClipConfig::preset_or_file(&config.model)?;
        let tokenizer = Arc::new(Tokenizer::for_text(&model_config.text_cfg)?);
        let device = clip_model::device(&config.device)?;
        let samples = samples_per_epoch(config)?;
        let schedule = config.schedule(samples)?;
        // Better now than after the training.
        if !config.eval_data.is_empty() && image_folder(&config.eval_data).is_none() {
            expand_shards(&config.eval_data)?;
        }
        Ok(Self { model_config, tokenizer, device, samples, schedule, seed: config.seed })
    }

    fn model(&self) -> Result<Clip, TrainError> {
        Ok(self.model_config.init(&self.device.clone().autodiff(), self.seed)?)
    }
}

/// Counting may mean reading everything, so that it is left out where the number is given.
fn samples_per_epoch(config: &TrainConfig) -> Result<usize, TrainError> {
    match config.loader.samples_per_epoch {
        Some(samples) => Ok(samples as usize),
        None => Ok(count_pairs(config)?),
    }
}

fn count_pairs(config: &TrainConfig) -> Result<usize, DataError> {
    match open_pairs(&config.data, &config.loader.pairs, &config.captions)? {
        Some(pairs) => Ok(pairs.len()),
        None => count_samples(&config.data, &ShardOpener::new(&config.loader.open)),
    }
}

fn loader_config(config: &TrainConfig, model: &ClipConfig) -> LoaderConfig {
    let mut loader =
        LoaderConfig::new(config.data.clone(), config.batch_size, model.vision_cfg.image_size);
    let image_size = model.vision_cfg.image_size;
    loader.transform = TrainTransform { image_size, ..config.transform.clone() };
    loader.captions = config.captions.clone();
    loader.seed = config.seed;
    loader.options = config.loader.clone();
    loader
}

/// Refuses a checkpoint whose tensors would not fit, by naming what differs.
fn require_same_model(
    checkpoint: &Checkpoint,
    name: &str,
    config: &ClipConfig,
) -> Result<(), TrainError> {
    let saved = checkpoint.config()?;
    if saved == *config {
        return Ok(());
    }
    let parts = [
        ("embed_dim", saved.embed_dim != config.embed_dim),
        ("quick_gelu", saved.quick_gelu != config.quick_gelu),
        ("vision_cfg", saved.vision_cfg != config.vision_cfg),
        ("text_cfg", saved.text_cfg != config.text_cfg),
    ];
    let other: Vec<&str> =
        parts.iter().filter(|(_, other)| *other).map(|(name, _)| *name).collect();
    let reason = format!("{} differ", other.join(", "));
    Err(TrainError::OtherModel { path: checkpoint.path().into(), model: name.into(), reason })
}
