//! The paper's figures 13 and 14: what of ImageNet's accuracy holds under natural distribution shift.

use std::fmt::Write;

use super::logit::Line;
use super::svg::swatch;
use super::{BenchmarkReport, MARKED, scatter, title};
use crate::markup::escape;
use crate::{Evaluation, Suite, dataset};

/// What the shifts are shifts of.
const IMAGENET: &str = "imagenet";

/// A model by language alone, or a probe on its features.
pub struct Point<'a> {
    /// The model's place in the report.
    pub number: usize,
    pub model: &'a str,
    pub task: &'a str,
    /// On ImageNet.
    pub x: Share,
    /// The mean over the shifts.
    pub y: Share,
}

/// A share with its 95% interval.
#[derive(Clone, Copy)]
pub struct Share {
    pub value: f64,
    pub low: f64,
    pub high: f64,
}

impl From<&Evaluation> for Share {
    fn from(e: &Evaluation) -> Self {
        Self { value: e.value, low: e.low, high: e.high }
    }
}

impl Share {
    /// The mean of independent shares: half widths of intervals add in quadrature.
    fn mean(shares: &[Self]) -> Self {
        let n = shares.len() as f64;
        let value = shares.iter().map(|share| share.value).sum::<f64>() / n;
        let width = |of: fn(&Self) -> f64| {
            shares.iter().map(|share| of(share).powi(2)).sum::<f64>().sqrt() / n
        };
        Self {
            value,
            low: value - width(|share| share.value - share.low),
            high: value + width(|share| share.high - share.value),
        }
    }
}

/// The picture and, where a line goes through at least two probes, how far each is above it
/// (section 3.3; Taori et al. 2020). Nothing where not all have ImageNet and a shift in common.
pub fn draw(report: &BenchmarkReport) -> String {
    let (shifts, points) = points(report);
    if points.is_empty() {
        return String::new();
    }
    let probes = points.iter().filter(|point| point.task == "linear_probe");
    let probes: Vec<[f64; 2]> = probes.map(|point| [point.x.value, point.y.value]).collect();
    let line = Line::through(&probes);
    let titles: Vec<String> = shifts.iter().map(|shift| escape(title(shift))).collect();
    let mut html = format!(
        "<p>ImageNet against the mean of those natural distribution shifts of it that all of these were \
         measured on: {}. The paper's figure 13, on logit scales; who is on the dashed line loses \
         nothing.</p>\n",
        titles.join(", ")
    );
    html += &scatter::draw(&points, shifts.len(), line.as_ref());
    if let Some(line) = line {
        let _ = writeln!(
            html,
            "<p>Effective robustness is the number of points above what the line through the {} linear \
             probes has at the same result on ImageNet; far from those it says little.</p>",
            probes.len()
        );
        html += &table(&points, &line);
    }
    html
}

/// The shifts that everything shown was measured on, and what is shown.
fn points(report: &BenchmarkReport) -> (Vec<&str>, Vec<Point<'_>>) {
    let find = |model: &str, name: &str, task: &str| {
        report.find(model, name, task).map(|row| Share::from(&row.evaluation))
    };
    let mut shifts = report.datasets();
    shifts.retain(|name| *name != IMAGENET && is_of_robustness(name));
    let models = report.models.iter().enumerate();
    let mut shown: Vec<(usize, &str, &str)> = models
        .flat_map(|(number, model)| MARKED.map(|task| (number, model.as_str(), task)))
        .collect();
    shown.retain(|(_, model, task)| {
        let has = |name: &str| find(model, name, task).is_some();
        has(IMAGENET) && shifts.iter().any(|shift| has(shift))
    });
    shifts.retain(|shift| shown.iter().all(|(_, model, task)| find(model, shift, task).is_some()));
    if shifts.is_empty() {
        return (shifts, Vec::new());
    }
    let point = |(number, model, task)| {
        let y: Vec<Share> = shifts.iter().filter_map(|shift| find(model, shift, task)).collect();
        Some(Point { number, model, task, x: find(model, IMAGENET, task)?, y: Share::mean(&y) })
    };
    let points = shown.into_iter().filter_map(point).collect();
    (shifts, points)
}

fn is_of_robustness(name: &str) -> bool {
    dataset(name).is_some_and(|dataset| dataset.suites.contains(&Suite::Robustness))
}

/// How far each point is above the line.
fn table(points: &[Point<'_>], line: &Line) -> String {
    let mut html = String::from(
        "<table><thead><tr><th>model</th><th>task</th><th class=\"n\">ImageNet</th>\
         <th class=\"n\">shifts</th><th class=\"n\">the line</th>\
         <th class=\"n\">effective robustness</th></tr></thead><tbody>\n",
    );
    for point in points {
        let (x, y, expected) = (point.x.value, point.y.value, line.at(point.x.value));
        let _ = writeln!(
            html,
            "<tr><td>{}{}</td><td>{}</td><td class=\"n\">{:.1}</td><td class=\"n\">{:.1}</td>\
             <td class=\"n\">{:.1}</td><td class=\"n\"><b>{:+.1}</b></td></tr>",
            swatch(point.number),
            escape(point.model),
            point.task.replace('_', " "),
            100.0 * x,
            100.0 * y,
            100.0 * expected,
            100.0 * (y - expected)
        );
    }
    html + "</tbody></table>\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_interval_of_a_mean_is_narrower_than_those_of_its_shares() {
        let share = |value: f64| Share { value, low: value - 0.03, high: value + 0.04 };
        let mean = Share::mean(&[share(0.2), share(0.4), share(0.5), share(0.5)]);
        assert!((mean.value - 0.4).abs() < 1e-12);
        assert!((mean.low - 0.385).abs() < 1e-12 && (mean.high - 0.42).abs() < 1e-12);
    }
}
