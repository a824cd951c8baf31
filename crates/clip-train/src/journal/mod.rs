//! What a run writes down as it goes.

mod metrics;
mod tensorboard;

pub use metrics::MetricsLog;
pub use tensorboard::EventFile;

use clip_eval::Evaluation;

use crate::report::StepMetrics;
use crate::{RunFolder, TrainError};

/// A run's metrics and evaluations: files for programs, and the same for TensorBoard.
pub(crate) struct Journal {
    folder: RunFolder,
    metrics: MetricsLog,
    events: EventFile,
    evaluations: Vec<Evaluation>,
}

impl Journal {
    /// Goes on with the journal of a run that has done `steps` steps; what was written after that
    /// is dropped.
    pub fn open(folder: &RunFolder, steps: u64) -> Result<Self, TrainError> {
        let events = folder.events();
        let mut evaluations = folder.read_evaluations()?;
        evaluations.retain(|row| row.step <= steps);
        Ok(Self {
            metrics: MetricsLog::open(&folder.metrics(), steps)?,
            events: EventFile::create(&events, if steps == 0 { 0 } else { steps + 1 })
                .map_err(|error| TrainError::file("write", events, error))?,
            evaluations,
            folder: folder.clone(),
        })
    }

    /// Adds a step.
    pub fn append(&mut self, metrics: &StepMetrics) -> Result<(), TrainError> {
        self.metrics.append(metrics)?;
        let values = [
            ("train/loss", metrics.loss),
            ("train/logit_scale", metrics.logit_scale),
            ("train/lr", metrics.lr),
            ("train/gradient_norm", metrics.gradient_norm),
            ("train/parameter_norm", metrics.parameter_norm),
            ("train/skipped", f64::from(u8::from(metrics.skipped))),
            ("speed/pairs_per_second", metrics.pairs_per_second),
            ("speed/data_wait", metrics.data_wait),
            ("speed/memory_mb", metrics.memory),
        ];
        self.scalars(metrics.step, &values)
    }

    /// Adds the results at a step, in place of earlier ones at the same.
    pub fn add_evaluations(&mut self, step: u64, rows: &[Evaluation]) -> Result<(), TrainError> {
        self.evaluations.retain(|row| row.step != step);
        self.evaluations.extend_from_slice(rows);
        self.folder.write_evaluations(&self.evaluations)?;
        let tag = |row: &Evaluation| format!("{}/{} {}", row.task, row.dataset, row.metric);
        let tags: Vec<String> = rows.iter().map(tag).collect();
        let values: Vec<(&str, f64)> =
            tags.iter().zip(rows).map(|(tag, row)| (tag.as_str(), row.value)).collect();
        self.scalars(step, &values)
    }

    /// All results so far.
    pub fn evaluations(&self) -> &[Evaluation] {
        &self.evaluations
    }

    fn scalars(&mut self, step: u64, values: &[(&str, f64)]) -> Result<(), TrainError> {
        let outcome = self.events.scalars(step, values);
        outcome.map_err(|error| TrainError::file("write", self.events.path(), error))
    }
}
