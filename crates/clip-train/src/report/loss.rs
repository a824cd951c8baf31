use super::chart::{Chart, Reference, Series, Size};
use super::curve::{half_window, smoothed};
use super::data::{OtherRun, StepMetrics};
use super::number;
use super::series::Point;
use super::unit::Unit;

/// The loss of each step and what is left of it without the noise between batches.
pub(super) struct LossCurve<'a> {
    runs: Vec<Series<'a>>,
    /// Steps averaged either side of each.
    half: usize,
}

impl<'a> LossCurve<'a> {
    pub fn new(runs: &[OtherRun<'a>]) -> Self {
        Self { runs: smoothed(runs, |m| m.loss), half: half_window(runs) }
    }

    /// First and last finite point of the first run, smoothed.
    pub fn ends(&self) -> Option<(Point, Point)> {
        let mut finite = self.runs.first()?.line.iter().filter(|p| p.1.is_finite());
        let first = finite.next()?;
        Some((*first, *finite.next_back().unwrap_or(first)))
    }

    /// The chart, with the loss of guessing among `batch` pairs if that is given and a note on
    /// the failed steps of `history`.
    pub fn chart(self, history: &[StepMetrics], batch: Option<u64>) -> Chart<'a> {
        Chart {
            title: "Loss, nats".to_owned(),
            note: format!("{}{}", self.line_note(), failure_note(history)),
            size: Size::Tall,
            unit: Unit::Number,
            runs: self.runs,
            reference: batch.filter(|batch| *batch > 0).map(guessing),
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
    use crate::report::tests::step;

    fn history(losses: &[f64]) -> Vec<StepMetrics> {
        (1..).zip(losses).map(|(number, loss)| step(number, *loss)).collect()
    }

    fn run(history: &[StepMetrics]) -> [OtherRun<'_>; 1] {
        [OtherRun { name: "a", history, evaluations: &[] }]
    }

    #[test]
    fn a_short_run_is_drawn_as_it_is() {
        let history = history(&[3.0, 2.0, f64::NAN]);
        let curve = LossCurve::new(&run(&history));
        assert_eq!(curve.ends(), Some(((1.0, 3.0), (2.0, 2.0))));
        assert!(curve.chart(&history, None).runs[0].behind.is_empty());
    }

    #[test]
    fn a_long_run_ends_at_its_mean_not_at_its_noise() {
        let losses: Vec<f64> = (0..1000).map(|i| if i % 2 == 0 { 1.0 } else { 3.0 }).collect();
        let (first, last) = LossCurve::new(&run(&history(&losses))).ends().unwrap_or_default();
        assert!((first.1 - 2.0).abs() < 0.1 && (last.1 - 2.0).abs() < 0.1);
    }

    #[test]
    fn a_run_without_a_finite_loss_has_no_ends() {
        assert_eq!(LossCurve::new(&run(&history(&[f64::NAN]))).ends(), None);
        assert_eq!(LossCurve::new(&[]).ends(), None);
    }
}
