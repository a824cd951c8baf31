//! A score as a dot with its interval, on one scale for the whole table.

use super::axis::Axis;
use super::number;
use clip_eval::Evaluation;

/// From zero to a round value above every interval, so that small scores can be seen too.
pub(super) fn scale(rows: &[&Evaluation]) -> Axis {
    let ends = rows.iter().flat_map(|r| [r.value, r.high, r.chance]);
    let high = ends.filter(|v| v.is_finite()).fold(0.0, f64::max).min(1.0);
    Axis::covering(0.0, high, 4)
}

/// Decoration: the numbers beside it say the same, so readers by ear are spared it.
pub(super) fn drawing(row: &Evaluation, axis: &Axis) -> String {
    let rules: String = axis.ticks.iter().map(|v| upright("rule", *v, axis)).collect();
    let chance = finite(row.chance).map(|v| upright("chance", v, axis)).unwrap_or_default();
    format!(
        "<svg class=\"whisker\" aria-hidden=\"true\">{rules}{chance}{}{}</svg>",
        whisker(row, axis),
        dot(row, axis),
    )
}

fn upright(class: &str, value: f64, axis: &Axis) -> String {
    let x = place(value, axis);
    format!("<line class=\"{class}\" x1=\"{x}\" x2=\"{x}\" y1=\"0\" y2=\"100%\"/>")
}

fn whisker(row: &Evaluation, axis: &Axis) -> String {
    let (Some(low), Some(high)) = (finite(row.low), finite(row.high)) else {
        return String::new();
    };
    let (x1, x2) = (place(low, axis), place(high, axis));
    format!("<line class=\"interval\" x1=\"{x1}\" x2=\"{x2}\" y1=\"50%\" y2=\"50%\"/>")
}

fn dot(row: &Evaluation, axis: &Axis) -> String {
    finite(row.value)
        .map(|v| format!("<circle cx=\"{}\" cy=\"50%\" r=\"4\"/>", place(v, axis)))
        .unwrap_or_default()
}

/// The ticks, for the head of the column.
pub(super) fn labels(axis: &Axis) -> String {
    let label = |value: &f64| {
        let (x, value) = (place(*value, axis), number::tick(*value * 100.0, axis.step * 100.0));
        format!("<text x=\"{x}\" y=\"100%\" dy=\"-6\" text-anchor=\"middle\">{value}%</text>")
    };
    let labels: String = axis.ticks.iter().map(label).collect();
    format!("<svg class=\"scale\" role=\"img\" aria-label=\"Score, drawn\">{labels}</svg>")
}

fn finite(value: f64) -> Option<f64> {
    value.is_finite().then(|| value.clamp(0.0, 1.0))
}

fn place(value: f64, axis: &Axis) -> String {
    format!("{:.2}%", axis.place(value) * 100.0)
}
