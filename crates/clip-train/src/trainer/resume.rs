use std::path::Path;

use clip_model::ClipConfig;

use super::{Parts, Trainer};
use crate::{
    Checkpoint, Checkpoints, ClipLearner, Ema, Progress, RunFolder, TrainConfig, TrainError,
};

impl Trainer {
    /// Goes on from the newest checkpoint in a run's folder.
    ///
    /// `config` may differ from the run's own in what the stream of data does not depend on. With
    /// `accept_changes`, in that too: the run then goes on at the same place in other data.
    ///
    /// # Errors
    ///
    /// As [`start`](Self::start), and when there is no checkpoint, or it is of another model or,
    /// unless `accept_changes`, of other data.
    pub fn resume(
        config: TrainConfig,
        folder: &Path,
        accept_changes: bool,
    ) -> Result<Self, TrainError> {
        let run = RunFolder::open(folder);
        let checkpoint = Checkpoints::new(run.checkpoints(), config.checkpoints)
            .latest()
            .ok_or_else(|| TrainError::NoCheckpoint(folder.into()))?;
        let parts = Parts::new(&config)?;
        require_same_model(&checkpoint, config.model_name(), &parts.model_config)?;
        let mut progress = checkpoint.progress()?;
        let now = Progress::start(&config, parts.samples);
        if !accept_changes {
            require_same_data(&checkpoint, &progress, &now)?;
        }
        progress.stream = now.stream;
        progress.best = progress.best.filter(|best| Some(&best.metric) == now.metric.as_ref());
        progress.metric = now.metric;
        let mut learner = ClipLearner::new(&config, parts.fresh_start());
        learner.model = config.towers.lock(checkpoint.load_model(learner.model)?);
        learner.optimizer = checkpoint.load_optimizer(learner.optimizer)?;
        learner.average = match learner.average {
            Some(average) if checkpoint.has_average() => {
                let model = checkpoint.load_average(average.model)?;
                Some(Ema::resume(model, config.ema_decay))
            }
            // An average that begins now begins from these weights.
            Some(_) => Some(Ema::new(&learner.model, config.ema_decay)),
            None => None,
        };
        learner.loss_scale = learner.loss_scale.or_saved(progress.loss_scale);
        Self::assemble(config, parts, run, learner, progress)
    }
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
    let mut other: Vec<&str> =
        parts.iter().filter(|(_, other)| *other).map(|(name, _)| *name).collect();
    if other.is_empty() {
        other.push("initial scale or bias of the logits");
    }
    let reason = format!("{} differ", other.join(", "));
    Err(TrainError::OtherModel { path: checkpoint.path().into(), model: name.into(), reason })
}

/// Refuses data in which the checkpoint's position would be another.
fn require_same_data(
    checkpoint: &Checkpoint,
    saved: &Progress,
    now: &Progress,
) -> Result<(), TrainError> {
    let was = |name: &str| saved.stream.iter().find(|(saved, _)| saved == name);
    let differences: Vec<String> = now
        .stream
        .iter()
        .filter_map(|(name, now)| match was(name) {
            Some((_, saved)) if saved == now => None,
            Some((_, saved)) => Some(format!("{name} was {saved} and is {now}")),
            None => Some(format!("{name} is not known to it")),
        })
        .collect();
    match differences.is_empty() {
        true => Ok(()),
        false => Err(TrainError::OtherData {
            path: checkpoint.path().into(),
            reason: differences.join("; "),
        }),
    }
}
