//! The report of a benchmark: one HTML file with no network, scripts or assets beside it.

mod dots;
mod few;
mod gap;
mod page;
mod svg;
mod table;
#[cfg(test)]
mod tests;

use std::io;
use std::path::Path;

use super::npy::write_whole;
use super::row::write_rows;
use super::{Details, Row};

/// What a report tells.
#[derive(Clone, Debug, Default)]
pub struct BenchmarkReport {
    /// Every result.
    pub rows: Vec<Row>,
    /// What is behind the zero-shot results of a model on a data set.
    pub details: Vec<(String, String, Details)>,
    /// Data sets that were asked for and are not there, or of which something can't be measured, with
    /// the reason.
    pub absent: Vec<(String, String)>,
    /// The models, in the order of the report.
    pub models: Vec<String>,
    /// Those of them whose features another program wrote, as a baseline.
    pub baselines: Vec<String>,
}

impl BenchmarkReport {
    /// Writes `results.json`, `results.csv` and `report.html` into a folder, each at once.
    ///
    /// # Errors
    ///
    /// When a file can't be written.
    pub fn write(&self, folder: &Path) -> io::Result<()> {
        write_rows(folder, &self.rows)?;
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

    fn find(&self, model: &str, dataset: &str, task: &str) -> Option<&Row> {
        self.rows.iter().find(|row| {
            let e = &row.evaluation;
            row.model == model && e.dataset == dataset && e.task == task
        })
    }
}
