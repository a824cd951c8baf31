//! Quantities of every run, step by step.

use super::chart::Series;
use super::data::{OtherRun, StepMetrics};
use super::series::{Point, smooth};

/// A smoothed value is the mean over one part in this many of the run.
const SMOOTHED_PARTS: usize = 50;

/// What a chart shows of a step.
pub(super) type Quantity = fn(&StepMetrics) -> f64;

/// Steps averaged either side of each. All runs of a report are smoothed alike, so that their
/// noise can be compared: as the first one's length asks for.
pub(super) fn half_window(runs: &[OtherRun<'_>]) -> usize {
    runs.first().map_or(0, |run| run.history.len() / SMOOTHED_PARTS / 2)
}

/// Each run's values as they are.
pub(super) fn plain<'a>(runs: &[OtherRun<'a>], quantity: Quantity) -> Vec<Series<'a>> {
    let series = |run: &OtherRun<'a>| Series {
        name: run.name,
        line: points(run.history, quantity),
        ..Series::default()
    };
    runs.iter().map(series).collect()
}

/// Each run's values without the noise between steps. The first run keeps its noise behind the
/// line; that of several could not be told apart.
pub(super) fn smoothed<'a>(runs: &[OtherRun<'a>], quantity: Quantity) -> Vec<Series<'a>> {
    let half = half_window(runs);
    let mut all = plain(runs, quantity);
    if half == 0 {
        return all;
    }
    for (run, series) in all.iter_mut().enumerate() {
        let line = smooth(&series.line, half);
        let raw = std::mem::replace(&mut series.line, line);
        series.behind = if run == 0 { raw } else { vec![] };
    }
    all
}

fn points(history: &[StepMetrics], quantity: Quantity) -> Vec<Point> {
    history.iter().map(|m| (m.step as f64, quantity(m))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::tests::step;

    #[test]
    fn runs_of_different_length_are_smoothed_alike() {
        let noise = |steps: u64| (1..=steps).map(|i| step(i, (i % 2) as f64)).collect::<Vec<_>>();
        let (long, short) = (noise(1000), noise(100));
        let runs = [&long, &short].map(|history| OtherRun { name: "", history, evaluations: &[] });
        let [first, second] = smoothed(&runs, |m| m.loss).try_into().ok().unwrap();
        assert_eq!((first.behind.len(), second.behind.len()), (1000, 0));
        let middle: [f64; 2] = [first.line[500].1, second.line[50].1];
        assert!(middle.iter().all(|mean| (mean - 0.5).abs() < 0.05), "{middle:?}");
    }
}
