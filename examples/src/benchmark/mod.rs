//! What the `benchmark` example does, data set by data set.

mod encoder;
mod tasks;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use clap::ValueEnum;
use clip_eval::{
    BenchmarkReport, Dataset, GivenFeatures, OpenError, Outcome, OutcomeStore, Task, digest,
};
use clip_model::Pretrained;

use encoder::{Encoder, known, released, short};

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Tasks {
    /// Classes are named by language alone
    ZeroShot,
    /// A linear probe on all images to learn from, by the paper's protocol
    LinearProbe,
    /// Linear probes on 1, 2, 4, 8 and 16 images of each class
    FewShot,
}

/// Models on data sets.
pub struct Benchmark {
    data: PathBuf,
    out: PathBuf,
    tasks: Vec<Tasks>,
    any_count: bool,
    datasets: Vec<&'static Dataset>,
    report: BenchmarkReport,
}

impl Benchmark {
    /// On data sets below `data`, with everything kept in `out`.
    pub fn new(data: &Path, out: &Path, tasks: &[Tasks], any_count: bool) -> Self {
        Self {
            data: data.into(),
            out: out.into(),
            tasks: tasks.into(),
            any_count,
            datasets: Vec::new(),
            report: BenchmarkReport::default(),
        }
    }

    /// Data sets, each of which is measured on once.
    pub fn add(&mut self, datasets: Vec<&'static Dataset>) {
        for dataset in datasets {
            if !self.datasets.iter().any(|known| known.name == dataset.name) {
                self.datasets.push(dataset);
            }
        }
    }

    /// Measures a model on every data set that is there.
    ///
    /// # Errors
    ///
    /// When nothing can be kept. What is wrong with a data set goes into the report.
    pub fn measure(&mut self, model: &str, clip: &Pretrained) -> Result<()> {
        let device = clip.model.logit_scale.val().device();
        let (digest, clip, released) = (digest(clip), Some(clip), released(model)?);
        let short = short(model);
        let name = if self.report.models.contains(&short) { model.to_owned() } else { short };
        self.measure_all(&Encoder { name, digest, clip, given: None, device, released })
    }

    /// Fits probes to features that another program wrote.
    ///
    /// # Errors
    ///
    /// As [`measure`](Self::measure).
    pub fn measure_features(&mut self, given: &GivenFeatures) -> Result<()> {
        self.report.baselines.push(given.name.clone());
        let (digest, device) = (given.digest(), clip_model::device("cpu")?);
        let (name, given) = (given.name.clone(), Some(given));
        self.measure_all(&Encoder { name, digest, clip: None, given, device, released: None })
    }

    fn measure_all(&mut self, encoder: &Encoder<'_>) -> Result<()> {
        self.report.models.push(encoder.name.clone());
        for dataset in self.datasets.clone() {
            let clip = encoder.clip.filter(|_| self.tasks.contains(&Tasks::ZeroShot));
            match (dataset.task, clip) {
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

    /// What was opened; or else the reason is told, but of a baseline only about what is there.
    fn there<T>(
        &mut self,
        encoder: &Encoder<'_>,
        dataset: &Dataset,
        opened: Result<T, OpenError>,
    ) -> Option<T> {
        let error = match opened {
            Ok(opened) => return Some(opened),
            Err(error) => error,
        };
        if encoder.given.is_none() || !matches!(error, OpenError::Absent { .. }) {
            self.absent(dataset, error.to_string());
        }
        None
    }

    fn absent(&mut self, dataset: &Dataset, reason: String) {
        let absent = (dataset.name.clone(), reason);
        if !self.report.absent.contains(&absent) {
            self.report.absent.push(absent);
        }
    }

    /// The outcome of a task that is kept, or that `measure` gives, goes into the report.
    fn kept(
        &mut self,
        encoder: &Encoder<'_>,
        dataset: &'static Dataset,
        (task, identity): (&str, u64),
        measure: impl FnOnce(&mut Self) -> Result<Option<Outcome>>,
    ) -> Result<()> {
        let store = OutcomeStore::new(self.out.join("outcomes").join(&encoder.digest));
        let key = format!("{}-{task}-{identity:016x}", dataset.name);
        if store.get(&key).is_none() {
            match measure(self) {
                Ok(Some(outcome)) => store.put(&key, &outcome).context("cannot keep a result")?,
                Ok(None) => return Ok(()),
                Err(error) => {
                    self.absent(dataset, format!("no {task}: {error:#}"));
                    return Ok(());
                }
            }
        }
        // As a run that goes on will read it, to the last digit.
        let outcome = store.get(&key).context("cannot read a result that was just kept")?;
        for mut row in outcome.rows {
            row.model = encoder.name.clone();
            row.published = known(encoder.released, dataset, &row.evaluation.task);
            println!("{:<24} {:<20} {}", encoder.name, dataset.name, row.evaluation);
            self.report.rows.push(row);
        }
        let details = outcome.details;
        let details = details.map(|d| (encoder.name.clone(), dataset.name.clone(), d));
        self.report.details.extend(details);
        Ok(())
    }

    /// Writes `results.json`, `results.csv` and `report.html`.
    ///
    /// # Errors
    ///
    /// When nothing was measured, or a file can't be written.
    pub fn finish(self) -> Result<()> {
        for (name, reason) in &self.report.absent {
            println!("{name:<22} {reason}");
        }
        if self.report.rows.is_empty() {
            bail!("nothing was measured: none of the data sets is below {}", self.data.display());
        }
        self.report.write(&self.out).context("cannot write the report")?;
        let path = self.out.join("report.html");
        println!("\nreport: {}", path.display());
        Ok(())
    }
}
