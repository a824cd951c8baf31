use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::npy::write_whole;
use super::score::chance;
use super::{bootstrap, score};
use crate::{Dataset, Evaluation, Metric, Prediction, wilson};

/// One result of a benchmark.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// The model, as it was named.
    pub model: String,
    /// What was measured. The step is 0: which training step a model is of isn't known here.
    #[serde(flatten)]
    pub evaluation: Evaluation,
    /// What others measured with this very model, a share as well.
    pub published: Option<f64>,
}

impl Row {
    /// A data set's own metric of predictions among `classes` classes, with its interval.
    pub(super) fn of(
        model: &str,
        dataset: &Dataset,
        task: &str,
        predictions: &[Prediction],
        classes: usize,
    ) -> Self {
        let metric = match dataset.metric {
            metric @ (Metric::MeanPerClass | Metric::MeanTop1Top5 | Metric::RocAuc) => metric,
            _ => Metric::Top1,
        };
        let of = |predictions: &[Prediction]| score(metric, predictions, classes);
        let (low, high) = match metric {
            Metric::Top1 => {
                let hits = predictions.iter().filter(|prediction| prediction.rank == 0).count();
                wilson(hits, predictions.len())
            }
            _ => bootstrap(predictions, of),
        };
        Self {
            model: model.into(),
            evaluation: Evaluation {
                step: 0,
                task: task.into(),
                dataset: dataset.name.clone(),
                metric: metric.name().into(),
                value: of(predictions),
                low,
                high,
                chance: chance(metric, classes),
                n: predictions.len(),
                classes,
            },
            published: None,
        }
    }
}

/// Writes rows as `results.json` and `results.csv` in a folder.
///
/// # Errors
///
/// When a file can't be written.
pub(super) fn write_rows(folder: &Path, rows: &[Row]) -> io::Result<()> {
    let json = serde_json::to_string_pretty(rows)?;
    write_whole(&folder.join("results.json"), format!("{json}\n").as_bytes())?;
    let mut table = csv::Writer::from_writer(Vec::new());
    table.write_record([
        "model",
        "dataset",
        "task",
        "metric",
        "value",
        "low",
        "high",
        "chance",
        "n",
        "classes",
        "published",
    ])?;
    for Row { model, evaluation: e, published } in rows {
        let text = |value: f64| value.to_string();
        let published = published.map_or(String::new(), text);
        table.write_record([
            model.as_str(),
            &e.dataset,
            &e.task,
            &e.metric,
            &text(e.value),
            &text(e.low),
            &text(e.high),
            &text(e.chance),
            &e.n.to_string(),
            &e.classes.to_string(),
            &published,
        ])?;
    }
    let bytes = table.into_inner().map_err(|error| io::Error::other(error.to_string()))?;
    write_whole(&folder.join("results.csv"), &bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset;

    #[test]
    fn a_row_is_written_in_both_files() {
        let predictions: Vec<_> =
            (0..4).map(|n| Prediction { label: 0, rank: n % 2, guesses: Vec::new() }).collect();
        let mut row = Row::of("a, b", dataset("mnist").unwrap(), "zero_shot", &predictions, 10);
        row.published = Some(0.884);
        assert_eq!((row.evaluation.value, row.evaluation.chance), (0.5, 0.1));
        let folder = tempfile::tempdir().unwrap();
        write_rows(folder.path(), &[row.clone()]).unwrap();
        let json = std::fs::read_to_string(folder.path().join("results.json")).unwrap();
        assert_eq!(serde_json::from_str::<Vec<Row>>(&json).unwrap(), [row]);
        let table = std::fs::read_to_string(folder.path().join("results.csv")).unwrap();
        let line = table.lines().nth(1).unwrap();
        assert!(line.starts_with("\"a, b\",mnist,zero_shot,top1,0.5,") && line.ends_with(",0.884"));
    }
}
