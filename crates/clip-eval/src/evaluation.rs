use serde::{Deserialize, Serialize};

use crate::wilson;

/// One result, a line of a run's `eval.json`. Values are shares in `0..=1`, but for the metric
/// `loss`, which is in nats.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Evaluation {
    /// Training step of the model.
    pub step: u64,
    /// `zero_shot`, `image_to_text`, `text_to_image`, `held_out` or another of a benchmark's.
    pub task: String,
    /// What it was measured on.
    pub dataset: String,
    /// `top1`, `top5`, `recall@1`, `recall@5`, `recall@10`, `loss` or another of a benchmark's.
    pub metric: String,
    /// The result.
    pub value: f64,
    /// Lower end of the 95% interval (Wilson).
    pub low: f64,
    /// Upper end of the 95% interval (Wilson).
    pub high: f64,
    /// What guessing would give.
    pub chance: f64,
    /// Number of queries.
    pub n: usize,
    /// Number of answers to choose from.
    pub classes: usize,
}

/// Where a result comes from.
#[derive(Clone, Copy, Debug)]
pub struct Source<'a> {
    /// Training step of the model.
    pub step: u64,
    /// What it was measured on.
    pub dataset: &'a str,
}

impl Source<'_> {
    /// The share of queries whose right answer ranks among the first `k`.
    ///
    /// `ranks` count from 0; `chance` is what guessing would give.
    pub(crate) fn share(
        &self,
        (task, metric): (&str, String),
        ranks: &[usize],
        k: usize,
        chance: f64,
        classes: usize,
    ) -> Evaluation {
        let n = ranks.len();
        let hits = ranks.iter().filter(|rank| **rank < k).count();
        let (low, high) = wilson(hits, n);
        Evaluation {
            step: self.step,
            task: task.into(),
            dataset: self.dataset.into(),
            metric,
            value: if n == 0 { 0.0 } else { hits as f64 / n as f64 },
            low,
            high,
            chance,
            n,
            classes,
        }
    }
}

impl std::fmt::Display for Evaluation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.metric == "loss" {
            let Self { task, metric, value, chance, n, classes, .. } = self;
            return write!(
                f,
                "{task:<14} {metric:<10} {value:>7.3}  (chance {chance:.3}; n {n}, in batches of \
                 {classes})"
            );
        }
        let percent = |share: f64| 100.0 * share;
        write!(
            f,
            "{:<14} {:<10} {:>6.2}%  (95% {:.2} to {:.2}; chance {:.2}%; n {}, of {})",
            self.task,
            self.metric,
            percent(self.value),
            percent(self.low),
            percent(self.high),
            percent(self.chance),
            self.n,
            self.classes
        )
    }
}
