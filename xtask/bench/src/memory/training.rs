//! The memory of a run.

use std::fs;
use std::path::Path;

use anyhow::Result;
use burn::train::Interrupter;
use clip_train::report::StepMetrics;
use clip_train::view::View;
use clip_train::{CheckpointsConfig, TrainConfig, Trainer};

use super::{Amounts, Figure, Memory};

/// A run's memory over many steps: the last tenth may hold 2 percent more than the second, for the
/// first warms up.
pub const TRAINING: Figure = Figure {
    name: "memory of training",
    done: |amounts| format!("{} steps", amounts.steps),
    early: "the second tenth",
    warmup: 1,
    goal: 0.98,
    keeps_pages: true,
    measure,
};

const BATCH: usize = 64;
/// Two layers a tower.
const MODEL: &str = r#"{
    "embed_dim": 64,
    "vision_cfg": {"image_size": 32, "layers": 2, "width": 64, "head_width": 32, "patch_size": 8},
    "text_cfg": {"context_length": 16, "vocab_size": 1024, "width": 64, "heads": 2, "layers": 2}
}"#;

/// After each step, with ten checkpoints.
fn measure(folder: &Path, Amounts { steps, .. }: Amounts) -> Result<Memory> {
    let model = folder.join("tiny.json");
    fs::write(&model, MODEL)?;
    let config = TrainConfig {
        model: model.to_string_lossy().into_owned(),
        // Made up on the way: the loader's windows of shards are another figure.
        data: vec!["synthetic:20000x32x32".into()],
        eval_data: Vec::new(),
        batch_size: BATCH,
        steps: Some(steps),
        checkpoints: CheckpointsConfig { every: steps / 10, ..CheckpointsConfig::default() },
        ..TrainConfig::default()
    };
    let runs = tempfile::tempdir_in(folder)?;
    let mut trainer = Trainer::start(config, &runs.path().join("run"))?;
    let mut watch = Watch { memory: Memory::of(steps as usize), problem: None };
    trainer.run(&mut watch, &Interrupter::new())?;
    watch.problem.map_or(Ok(watch.memory), Err)
}

/// Looks after each step.
struct Watch {
    memory: Memory,
    problem: Option<anyhow::Error>,
}

impl View for Watch {
    fn step(&mut self, _: &StepMetrics) {
        self.problem = self.memory.look().err().or(self.problem.take());
    }

    fn note(&mut self, text: &str) {
        eprintln!("{text}");
    }

    fn close(self: Box<Self>) {}
}
