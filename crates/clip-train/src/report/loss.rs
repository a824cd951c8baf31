use super::chart::{Chart, Reference};
use super::data::StepMetrics;
use super::number;
use super::series::{Point, smooth};

/// The smoothed loss is the mean over one part in this many of the run.
const SMOOTHED_PARTS: usize = 50;

/// The loss of each step and what is left of it without the noise between batches.
pub(super) struct LossCurve {
    raw: Vec<Point>,
    smooth: Vec<Point>,
    /// Steps averaged either side of each.
    half: usize,
}

impl LossCurve {
    pub fn new(history: &[StepMetrics]) -> Self {
        let raw: Vec<Point> = history.iter().map(|m| (m.step as f64, m.loss)).collect();
        let half = raw.len() / SMOOTHED_PARTS / 2;
        Self { smooth: smooth(&raw, half), raw, half }
    }

    /// First and last finite point, smoothed.
    pub fn ends(&self) -> Option<(Point, Point)> {
        let mut finite = self.smooth.iter().filter(|p| p.1.is_finite());
        let first = finite.next()?;
        Some((*first, *finite.next_back().unwrap_or(first)))
    }

    /// The chart, with the loss of guessing among `batch` pairs if that is given.
    pub fn chart(self, history: &[StepMetrics], batch: Option<u64>) -> Chart<'static> {
        Chart {
            title: "Loss, nats",
            note: format!("{}{}", self.line_note(), failure_note(history)),
            size: "tall",
            line: self.smooth,
            behind: if self.half > 0 { self.raw } else { vec![] },
            reference: batch.filter(|batch| *batch > 0).map(guessing),
            ticks: (5, 4),
        }
    }

    fn line_note(&self) -> String {
        if self.half == 0 {
            return "Each step.".to_owned();
        }
        let window = number::count(2 * self.half as u64 + 1);
        format!("Thin: each step. Thick: the mean of {window} steps around it.")
    }
}

fn guessing(batch: u64) -> Reference {
    let value = (batch as f64).ln();
    Reference { value, label: format!("guessing among {}: {value:.2}", number::count(batch)) }
}

/// Skipped and failed steps, which a chart of many steps would hide.
fn failure_note(history: &[StepMetrics]) -> String {
    let failed = |m: &&StepMetrics| m.skipped || !m.loss.is_finite();
    let Some(first) = history.iter().find(failed) else {
        return String::new();
    };
    format!(
        " {} of {} steps had no finite loss or gradient and changed nothing, the first being \
         step {}.",
        number::count(history.iter().filter(failed).count() as u64),
        number::count(history.len() as u64),
        number::count(first.step),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn history(losses: &[f64]) -> Vec<StepMetrics> {
        let step = |(step, &loss): (u64, &f64)| StepMetrics {
            step,
            loss,
            logit_scale: 14.3,
            lr: 1e-3,
            pairs_per_second: 900.0,
            gradient_norm: 1.0,
            epoch: 0,
            skipped: false,
        };
        (1..).zip(losses).map(step).collect()
    }

    #[test]
    fn a_short_run_is_drawn_as_it_is() {
        let history = history(&[3.0, 2.0, f64::NAN]);
        let curve = LossCurve::new(&history);
        assert_eq!(curve.ends(), Some(((1.0, 3.0), (2.0, 2.0))));
        assert!(curve.chart(&history, None).behind.is_empty());
    }

    #[test]
    fn a_long_run_ends_at_its_mean_not_at_its_noise() {
        let losses: Vec<f64> = (0..1000).map(|i| if i % 2 == 0 { 1.0 } else { 3.0 }).collect();
        let (first, last) = LossCurve::new(&history(&losses)).ends().unwrap_or_default();
        assert!((first.1 - 2.0).abs() < 0.1 && (last.1 - 2.0).abs() < 0.1);
    }

    #[test]
    fn a_run_without_a_finite_loss_has_no_ends() {
        assert_eq!(LossCurve::new(&history(&[f64::NAN])).ends(), None);
        assert_eq!(LossCurve::new(&[]).ends(), None);
    }
}
