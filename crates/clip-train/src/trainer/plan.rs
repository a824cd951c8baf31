//! What a run is about to do, told before it starts.

use std::time::Instant;

use burn::module::Module;
use burn::tensor::{Device, Distribution, Int, Tensor};
use clip_model::{Clip, ClipConfig, Mode};

use super::{MemoryPlan, Trainer};

/// Pairs on which the speed is measured.
const TRIAL: usize = 32;

impl Trainer {
    /// Names and values for a person: parameters, data, device, length, expected time.
    pub fn plan(&self) -> Vec<(String, String)> {
        let mut facts = self.facts();
        let time = ("Expected time".to_string(), self.expected_time());
        facts.insert(facts.len() - 1, time);
        facts
    }

    /// What the run is expected to hold.
    pub fn memory_plan(&self) -> MemoryPlan {
        MemoryPlan::new(&self.config, &self.model_config, self.learner.model.num_params())
    }

    /// What a run is, without a guess at its time.
    pub(super) fn facts(&self) -> Vec<(String, String)> {
        let config = &self.config;
        let (steps, batch) = (self.steps(), config.batch_size);
        let passes = steps as f64 * batch as f64 / self.samples as f64;
        let micro = match config.micro_batch() {
            size if size < batch => format!("{batch} pairs in micro-batches of {size}"),
            _ => format!("{batch} pairs"),
        };
        let facts = [
            ("Model", format!("{}, {}", config.model_name(), parameters(&self.learner.model))),
            ("Data", format!("{} pairs in {}", self.samples, config.data.join(" "))),
            ("Device", config.device.clone()),
            ("Batch", micro),
            ("Expected memory", memory_size(self.memory_plan().peak())),
            ("Length", format!("{steps} steps, {passes:.1} passes over the data")),
            ("Output", self.folder.path().display().to_string()),
        ];
        facts.map(|(name, value)| (name.to_string(), value)).to_vec()
    }

    /// Time for the steps that are left, from one forward pass; backward costs two more.
    fn expected_time(&self) -> String {
        if self.config.device_names().any(|device| device != "cpu") {
            return "shown once kernels are tuned".into(); // a first pass measures the compiler
        }
        let batch = TRIAL.min(self.config.batch_size);
        let seconds = forward_seconds(&self.trained(), &self.model_config, batch, &self.devices[0]);
        let passes = if self.config.micro_batch() < self.config.batch_size { 4.0 } else { 3.0 };
        let step = passes * seconds * self.config.batch_size as f64 / batch as f64;
        let left = self.steps().saturating_sub(self.step());
        format!("about {}", duration(step * left as f64))
    }
}

fn forward_seconds(model: &Clip, config: &ClipConfig, batch: usize, device: &Device) -> f64 {
    let size = config.vision_cfg.image_size;
    let noise = Distribution::Normal(0.0, 1.0);
    let images = Tensor::<4>::random([batch, 3, size, size], noise, device);
    let tokens = Tensor::<2, Int>::zeros([batch, config.text_cfg.context_length], device);
    let once = || {
        let started = Instant::now();
        model.image_features(images.clone(), Mode::Evaluation).into_data();
        model.text_features(tokens.clone()).into_data();
        started.elapsed().as_secs_f64()
    };
    once(); // caches and thread pool warm up
    once().min(once())
}

fn parameters(model: &Clip) -> String {
    match model.num_params() {
        count if count < 1_000_000 => format!("{count} parameters"),
        count => format!("{:.1} million parameters", count as f64 / 1e6),
    }
}

/// Bytes as a person would say them.
pub fn memory_size(bytes: u64) -> String {
    match bytes as f64 {
        bytes if bytes < 1e8 => format!("{:.1} MB", bytes / 1e6),
        bytes => format!("{:.2} GB", bytes / 1e9),
    }
}

/// A duration as a person would say it.
pub fn duration(seconds: f64) -> String {
    match seconds {
        s if s < 90.0 => format!("{s:.0} s"),
        s if s < 5400.0 => format!("{:.0} min", s / 60.0),
        s => format!("{:.1} h", s / 3600.0),
    }
}
