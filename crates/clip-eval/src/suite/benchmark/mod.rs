//! Models on data sets: what the `benchmark` example does.

mod classification;
mod encoder;
mod error;
mod kept;
mod multilabel;
mod pairs;

use std::path::PathBuf;

use clip_model::Pretrained;

use super::{BenchmarkReport, GivenFeatures, Row, digest};
use crate::{Dataset, Task, released_archive, released_id};
use encoder::Encoder;

pub use error::{BenchmarkError, MeasureError};

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BenchmarkTask {
    /// Classes are named, captions found, by language alone.
    ZeroShot,
    /// A linear probe on all images to learn from, by the paper's protocol.
    LinearProbe,
    /// Linear probes on 1, 2, 4, 8 and 16 images of each class.
    FewShot,
}

/// What is measured on, where, and where it is kept.
#[derive(Clone, Debug)]
pub struct BenchmarkConfig {
    /// The folder with a folder for each data set.
    pub data: PathBuf,
    /// Where features, results and the report are kept; what is there is not measured again.
    pub out: PathBuf,
    /// What is measured.
    pub tasks: Vec<BenchmarkTask>,
    /// Whether to measure on data sets with more or fewer images than were published.
    pub any_count: bool,
    /// The data sets.
    pub datasets: Vec<&'static Dataset>,
}

/// What happens while models are measured.
#[derive(Clone, Copy, Debug)]
pub enum BenchmarkEvent<'a> {
    /// Images of a part of a data set are encoded.
    Encoding {
        /// The part.
        part: &'a str,
        /// Images that are.
        done: usize,
        /// Images that there are.
        total: usize,
    },
    /// A result is there.
    Measured(&'a Row),
}

/// Models on data sets. A run that was interrupted goes on where it was, for everything is kept.
pub struct Benchmark<'a> {
    config: BenchmarkConfig,
    report: BenchmarkReport,
    tell: &'a dyn Fn(BenchmarkEvent<'_>),
}

impl<'a> Benchmark<'a> {
    /// Nothing is measured yet; `tell` is told what happens.
    pub fn new(config: BenchmarkConfig, tell: &'a dyn Fn(BenchmarkEvent<'_>)) -> Self {
        Self { config, report: BenchmarkReport::default(), tell }
    }

    /// Measures a model, which was asked for under this path or id, on every data set that is there.
    ///
    /// # Errors
    ///
    /// When nothing can be kept. What is wrong with a data set goes into the report.
    pub fn measure(&mut self, model: &str, clip: &Pretrained) -> Result<(), BenchmarkError> {
        let device = clip.model.logit_scale.val().device();
        let (digest, clip, released) = (digest(clip), Some(clip), released(model)?);
        let short = encoder::short(model);
        let name = if self.report.models.contains(&short) { model.to_owned() } else { short };
        self.measure_all(&Encoder { name, digest, clip, given: None, device, released })
    }

    /// Fits probes to features that another program wrote.
    ///
    /// # Errors
    ///
    /// As [`measure`](Self::measure).
    pub fn measure_features(&mut self, given: &GivenFeatures) -> Result<(), BenchmarkError> {
        self.report.baselines.push(given.name.clone());
        let (digest, device) = (given.digest(), clip_model::device("cpu")?);
        let (name, given) = (given.name.clone(), Some(given));
        self.measure_all(&Encoder { name, digest, clip: None, given, device, released: None })
    }

    fn measure_all(&mut self, encoder: &Encoder<'_>) -> Result<(), BenchmarkError> {
        self.report.models.push(encoder.name.clone());
        for dataset in self.config.datasets.clone() {
            let is_zero_shot = self.config.tasks.contains(&BenchmarkTask::ZeroShot);
            match (dataset.task, encoder.clip.filter(|_| is_zero_shot)) {
                (Task::Classification, _) => self.classification(encoder, dataset)?,
                (Task::Multilabel, Some(clip)) => self.multilabel(encoder, clip, dataset)?,
                (Task::Retrieval, Some(clip)) => self.retrieval(encoder, clip, dataset)?,
                (Task::Multilabel | Task::Retrieval, None) => {}
                (Task::Lexicon | Task::Geolocation, _) => {
                    self.absent(dataset, format!("{:?} is not measured here", dataset.task));
                }
            }
        }
        Ok(())
    }

    /// Writes `results.json`, `results.csv` and `report.html`, and returns what is in them.
    ///
    /// # Errors
    ///
    /// When nothing was measured, or a file can't be written.
    pub fn finish(self) -> Result<BenchmarkReport, BenchmarkError> {
        if self.report.rows.is_empty() {
            return Err(BenchmarkError::Nothing {
                data: self.config.data,
                absent: self.report.absent,
            });
        }
        let written = self.report.write(&self.config.out);
        written.map_err(|source| BenchmarkError::Keep { path: self.config.out, source })?;
        Ok(self.report)
    }
}

/// The released model that a path or an id is, if it is one.
fn released(model: &str) -> Result<Option<&'static str>, BenchmarkError> {
    let path = PathBuf::from(model);
    match released_id(model) {
        None if path.is_file() => {
            released_archive(&path).map_err(|source| BenchmarkError::Read { path, source })
        }
        released => Ok(released),
    }
}
