//! Models on data sets: what the `benchmark` example does.

mod classification;
mod encoder;
mod error;
mod geolocation;
mod kept;
mod languages;
mod lexicon;
mod multilabel;
mod pairs;
mod rare_act;
mod selection;
mod shift;
#[cfg(test)]
mod tests;
mod training;
mod video;

use std::path::PathBuf;

use clip_model::Pretrained;

use super::{BenchmarkReport, GivenFeatures, Row, digest};
use crate::{Dataset, Task, released_archive, released_id};
use encoder::Encoder;
use training::TrainingImages;

pub use error::{BenchmarkError, MeasureError};

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BenchmarkTask {
    /// Classes are named, captions found or chosen, words read, by language alone.
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
    /// Frames of each video over which predictions are averaged, beside those for the middle ones.
    pub frames: usize,
    /// The data sets.
    pub datasets: Vec<&'static Dataset>,
    /// Languages besides English (see [`languages`](crate::languages)) in which classes are named, too.
    pub languages: Vec<String>,
    /// Shards of pairs that the models learned from (specs as in
    /// [`expand_shards`](clip_data::expand_shards)): which images of the data sets are among them is
    /// told. Nothing is, where there are none.
    pub training: Vec<String>,
}

/// What happens while models are measured.
#[derive(Clone, Copy, Debug)]
pub enum BenchmarkEvent<'a> {
    /// Images of a part of a data set are encoded, or shards are read.
    Working {
        /// The part.
        part: &'a str,
        /// Images or shards that are done.
        done: usize,
        /// Images or shards that there are.
        total: usize,
    },
    /// A result is there.
    Measured(&'a Row),
}

/// Models on data sets. A run that was interrupted goes on where it was, for everything is kept.
pub struct Benchmark<'a> {
    config: BenchmarkConfig,
    report: BenchmarkReport,
    training: TrainingImages,
    tell: &'a dyn Fn(BenchmarkEvent<'_>),
}

impl<'a> Benchmark<'a> {
    /// Nothing is measured yet; `tell` is told what happens.
    pub fn new(config: BenchmarkConfig, tell: &'a dyn Fn(BenchmarkEvent<'_>)) -> Self {
        let training = TrainingImages::default();
        Self { config, report: BenchmarkReport::default(), training, tell }
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
                (Task::Multilabel, _) => self.multilabel(encoder, dataset)?,
                (Task::Retrieval, Some(clip)) => self.retrieval(encoder, clip, dataset)?,
                (Task::Lexicon, Some(clip)) => self.lexicon(encoder, clip, dataset)?,
                (Task::Selection, Some(clip)) => self.selection(encoder, clip, dataset)?,
                (Task::Geolocation, Some(clip)) => self.geolocation(encoder, clip, dataset)?,
                (Task::RareAct, Some(clip)) => self.rare_act(encoder, clip, dataset)?,
                // By language alone, or not at all.
                (_, None) => {}
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
