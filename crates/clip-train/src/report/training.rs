//! The section on training: the loss and the small charts below it.

use super::chart::{Chart, Series, Size};
use super::curve::{plain, smoothed};
use super::data::OtherRun;
use super::loss::LossCurve;
use super::number::{count, percent, short};
use super::series::{Point, mean, median, range};
use super::unit::Unit;

/// From here on, memory reads better in gigabytes.
const GIGABYTES_FROM: f64 = 10_000.0;

/// The first part in this many of a run does not count for the change in memory: buffers and
/// caches still fill.
const WARM_UP_PARTS: usize = 10;

/// The charts, notes being about the first of the runs.
pub(super) fn render(runs: &[OtherRun<'_>], loss: LossCurve<'_>, batch: Option<u64>) -> String {
    let history = runs.first().map(|run| run.history).unwrap_or_default();
    if history.is_empty() {
        return "<p class=\"empty\">No step was taken.</p>\n".to_owned();
    }
    let charts = [rate, scale, gradient, parameters, speed, waiting, memory];
    let small: String = charts
        .iter()
        .map(|chart| chart(runs))
        .filter(Chart::has_values)
        .map(|chart| chart.render())
        .collect();
    format!("{}<div class=\"pair\">\n{small}</div>\n", loss.chart(history, batch).render())
}

fn rate<'a>(runs: &[OtherRun<'a>]) -> Chart<'a> {
    let series = plain(runs, |m| m.lr);
    let note = highest(&series)
        .map(|(step, rate)| format!("Highest at step {}: {}.", count(step as u64), short(rate)));
    small("Learning rate", note, series)
}

fn scale<'a>(runs: &[OtherRun<'a>]) -> Chart<'a> {
    let series = plain(runs, |m| m.logit_scale);
    let note = range(values(&series)).map(|(low, high)| {
        format!("Factor on the cosine similarities, {} to {}.", short(low), short(high))
    });
    small("Logit scale", note, series)
}

fn gradient<'a>(runs: &[OtherRun<'a>]) -> Chart<'a> {
    let series = smoothed(runs, |m| m.gradient_norm);
    let peak = highest(&series);
    let note = median(values(&series)).zip(peak).map(|(median, (step, high))| {
        let (median, high, step) = (short(median), short(high), count(step as u64));
        format!("Before clipping. Median {median}, highest {high} at step {step}.")
    });
    small("Gradient norm", note, series)
}

fn parameters<'a>(runs: &[OtherRun<'a>]) -> Chart<'a> {
    let series = plain(runs, |m| m.parameter_norm);
    let note = change(noisy(&series))
        .map(|(first, last)| format!("From {} to {}.", short(first.1), short(last.1)));
    small("Parameter norm", note, series)
}

fn speed<'a>(runs: &[OtherRun<'a>]) -> Chart<'a> {
    let series = smoothed(runs, |m| m.pairs_per_second);
    let note = median(values(&series)).map(|median| format!("Median {}.", short(median)));
    small("Pairs a second", note, series)
}

fn waiting<'a>(runs: &[OtherRun<'a>]) -> Chart<'a> {
    let series = smoothed(runs, |m| m.data_wait);
    let note = mean(values(&series))
        .map(|mean| format!("Share of each step's time; {} on average.", percent(mean)));
    Chart { unit: Unit::Share, ..small("Waiting for data", note, series) }
}

fn memory<'a>(runs: &[OtherRun<'a>]) -> Chart<'a> {
    let mut series = plain(runs, |m| m.memory);
    let most = series.iter().flat_map(|s| &s.line).map(|p| p.1);
    let large = range(most).is_some_and(|(_, high)| high >= GIGABYTES_FROM);
    let unit = if large { "GB" } else { "MB" };
    if large {
        series.iter_mut().flat_map(|s| &mut s.line).for_each(|point| point.1 /= 1e3);
    }
    let note = highest(&series)
        .map(|(_, most)| format!("Highest {} {unit}{}.", short(most), growth(&series, unit)));
    small(&format!("Memory, {unit}"), note, series)
}

/// How memory changed once a run had warmed up, which tells a leak.
fn growth(series: &[Series<'_>], unit: &str) -> String {
    let line = noisy(series);
    let Some((first, last)) = change(&line[line.len() / WARM_UP_PARTS..]) else {
        return String::new();
    };
    let sign = if last.1 < first.1 { "−" } else { "+" };
    let (by, step) = (short((last.1 - first.1).abs()), count(first.0 as u64));
    format!("; {sign}{by} {unit} since step {step}")
}

/// The first run's values of each step, smoothed or not.
fn noisy<'a>(series: &'a [Series<'_>]) -> &'a [Point] {
    match series.first() {
        Some(first) if first.behind.is_empty() => &first.line,
        Some(first) => &first.behind,
        None => &[],
    }
}

fn values(series: &[Series<'_>]) -> impl Iterator<Item = f64> {
    noisy(series).iter().map(|p| p.1)
}

fn highest(series: &[Series<'_>]) -> Option<Point> {
    let finite = noisy(series).iter().filter(|p| p.1.is_finite());
    finite.max_by(|a, b| a.1.total_cmp(&b.1)).copied()
}

/// First and last finite point, if they are two.
fn change(points: &[Point]) -> Option<(Point, Point)> {
    let mut finite = points.iter().filter(|p| p.1.is_finite());
    Some((*finite.next()?, *finite.next_back()?))
}

fn small<'a>(title: &str, note: Option<String>, runs: Vec<Series<'a>>) -> Chart<'a> {
    Chart {
        title: title.to_owned(),
        note: note.unwrap_or_default(),
        size: Size::Small,
        unit: Unit::Number,
        runs,
        reference: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::StepMetrics;
    use crate::report::tests::step;

    fn run(history: &[StepMetrics]) -> [OtherRun<'_>; 1] {
        [OtherRun { name: "a", history, evaluations: &[] }]
    }

    fn with_memory(memory: impl Fn(u64) -> f64) -> Vec<StepMetrics> {
        (1..=100).map(|i| StepMetrics { memory: memory(i), ..step(i, 1.0) }).collect()
    }

    #[test]
    fn memory_is_compared_after_the_warm_up() {
        let history = with_memory(|i| if i <= 10 { 100.0 * i as f64 } else { 1200.0 + i as f64 });
        let chart = memory(&run(&history));
        assert_eq!(chart.title, "Memory, MB");
        assert_eq!(chart.note, "Highest 1,300 MB; +89.0 MB since step 11.");
    }

    #[test]
    fn much_memory_is_counted_in_gigabytes() {
        let history = with_memory(|i| 64_000.0 - 10.0 * i as f64);
        let chart = memory(&run(&history));
        assert_eq!(chart.note, "Highest 64.0 GB; −0.890 GB since step 11.");
    }

    #[test]
    fn what_an_old_log_does_not_tell_is_left_out() {
        let old = StepMetrics {
            parameter_norm: f64::NAN,
            data_wait: f64::NAN,
            memory: f64::NAN,
            ..step(1, 2.0)
        };
        let history = [old, StepMetrics { step: 2, ..old }];
        let runs = run(&history);
        let html = render(&runs, LossCurve::new(&runs), None);
        assert_eq!(html.matches("<figure").count(), 5);
        assert!(html.contains("Pairs a second") && !html.contains("Memory"));
        assert!(!html.contains("NaN"));
    }

    #[test]
    fn a_spike_is_named_though_the_line_is_smooth() {
        let norm = |i| if i == 30 { 50.0 } else { 1.0 };
        let history: Vec<_> =
            (1..=400).map(|i| StepMetrics { gradient_norm: norm(i), ..step(i, 1.0) }).collect();
        let chart = gradient(&run(&history));
        assert_eq!(chart.note, "Before clipping. Median 1.00, highest 50.0 at step 30.");
        assert!(chart.runs[0].line.iter().all(|p| p.1 < 10.0));
    }
}
