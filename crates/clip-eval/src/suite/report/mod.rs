//! The report of a benchmark: one HTML file with no network, scripts or assets beside it.

mod datasets;
mod dots;
mod few;
mod gap;
mod logit;
mod overlap;
mod page;
mod robust;
mod scatter;
mod svg;
mod table;
#[cfg(test)]
mod tests;

use std::io;
use std::path::Path;

use super::npy::write_whole;
use super::overlap::write_overlaps;
use super::row::write_rows;
use super::{Details, Overlap, Row};
use crate::dataset;
use crate::markup::escape;

/// The tasks that have marks in pictures, the one above the other last.
const MARKED: [&str; 2] = ["linear_probe", "zero_shot"];

/// What a report tells.
#[derive(Clone, Debug, Default)]
pub struct BenchmarkReport {
    /// Every result.
    pub rows: Vec<Row>,
    /// What is behind the zero-shot results of a model on a data set.
    pub details: Vec<(String, String, Details)>,
    /// What the models named right because they had seen it.
    pub overlaps: Vec<Overlap>,
    /// Data sets that were asked for and are not there, or of which something can't be measured, with
    /// the reason.
    pub absent: Vec<(String, String)>,
    /// The models, in the order of the report.
    pub models: Vec<String>,
    /// Those of them whose features another program wrote, as a baseline.
    pub baselines: Vec<String>,
}

impl BenchmarkReport {
    /// Writes `results.json`, `results.csv`, `report.html` and, if there is anything to say on it,
    /// `overlap.csv` into a folder, each at once.
    ///
    /// # Errors
    ///
    /// When a file can't be written.
    pub fn write(&self, folder: &Path) -> io::Result<()> {
        write_rows(folder, &self.rows)?;
        write_overlaps(folder, &self.overlaps)?;
        write_whole(&folder.join("report.html"), page::render(self).as_bytes())
    }

    /// The data sets that there are results of, in the order of the rows.
    fn datasets(&self) -> Vec<&str> {
        let mut datasets: Vec<&str> = Vec::new();
        for row in &self.rows {
            if !datasets.contains(&row.evaluation.dataset.as_str()) {
                datasets.push(&row.evaluation.dataset);
            }
        }
        datasets
    }

    /// The tasks and metrics that there are results of on a data set, in the order of the rows.
    fn results(&self, dataset: &str) -> Vec<(&str, &str)> {
        let mut results = Vec::new();
        for Row { evaluation: e, .. } in &self.rows {
            let result = (e.task.as_str(), e.metric.as_str());
            if e.dataset == dataset && !results.contains(&result) {
                results.push(result);
            }
        }
        results
    }

    /// The main result of a task, which is its first.
    fn find(&self, model: &str, dataset: &str, task: &str) -> Option<&Row> {
        self.rows.iter().find(|row| {
            let e = &row.evaluation;
            row.model == model && e.dataset == dataset && e.task == task
        })
    }
}

/// A data set's name as its authors write it.
fn title(name: &str) -> &str {
    dataset(name).map_or(name, |dataset| dataset.title.as_str())
}

/// Where the page of a data set begins, as it may stand in an attribute.
fn anchor(name: &str) -> String {
    format!("dataset-{}", escape(name))
}
