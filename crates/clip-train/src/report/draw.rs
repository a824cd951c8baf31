//! The marks of a chart.
//!
//! The outer SVG is laid out in pixels and percentages, so its text keeps its size at any width;
//! the lines live in a nested SVG whose unit square stretches with it.

use super::axis::Axis;
use super::chart::Reference;
use super::markup::escape;
use super::number;
use super::series::{Point, downsample};
use super::unit::Unit;

/// More points than this cannot be told apart on a page.
const MAX_POINTS: usize = 800;

/// Side of the square that the lines are drawn in.
const UNIT: f64 = 1000.0;

/// The nested SVG around lines and bands.
pub(super) fn stretched(marks: &str) -> String {
    format!(
        "<svg viewBox=\"0 0 {UNIT} {UNIT}\" preserveAspectRatio=\"none\" \
         overflow=\"visible\">\n{marks}</svg>\n"
    )
}

pub(super) fn y_axis(axis: &Axis, unit: Unit) -> String {
    let tick = |value: &f64| {
        let (y, text) = (down(axis, *value), unit.tick(*value, axis.step));
        format!(
            "<line class=\"rule\" x1=\"0\" x2=\"100%\" y1=\"{y}\" y2=\"{y}\"/>\
             <text class=\"tick\" x=\"-8\" y=\"{y}\" dy=\"4\" text-anchor=\"end\">{text}</text>\n"
        )
    };
    axis.ticks.iter().map(tick).collect()
}

pub(super) fn x_axis(axis: &Axis) -> String {
    let tick = |value: &f64| {
        let (x, text) = (across(axis, *value), number::tick(*value, axis.step));
        format!(
            "<text class=\"tick\" x=\"{x}\" y=\"100%\" dy=\"20\" text-anchor=\"middle\">\
             {text}</text>\n"
        )
    };
    let name =
        "<text class=\"tick\" x=\"-18\" y=\"100%\" dy=\"20\" text-anchor=\"end\">step</text>\n";
    axis.ticks.iter().map(tick).chain([name.to_owned()]).collect()
}

pub(super) fn dashed(reference: &Reference, axis: &Axis) -> String {
    let (y, label) = (down(axis, reference.value), escape(&reference.label));
    format!(
        "<line class=\"reference\" x1=\"0\" x2=\"100%\" y1=\"{y}\" y2=\"{y}\"/>\
         <text class=\"note\" x=\"100%\" y=\"{y}\" dy=\"-7\" text-anchor=\"end\">{label}</text>\n"
    )
}

/// One path, lifted at every gap. A point alone between gaps is a dot: a line of no length with
/// round ends.
pub(super) fn path(points: &[Point], class: &str, x: &Axis, y: &Axis) -> String {
    let mut data = String::new();
    let mut drawing = false;
    for point in downsample(points, MAX_POINTS) {
        let finite = point.1.is_finite();
        if finite {
            let (px, py) = corner(point, x, y);
            let start = format!("M{px:.1} {py:.1}h0");
            data.push_str(&if drawing { format!("L{px:.1} {py:.1}") } else { start });
        }
        drawing = finite;
    }
    if data.is_empty() {
        return data;
    }
    format!("<path class=\"{class}\" d=\"{data}\"/>\n")
}

/// The area between two edges, there along the lower and back along the upper one.
pub(super) fn band((low, high): &(Vec<Point>, Vec<Point>), x: &Axis, y: &Axis) -> String {
    let (low, high) = (downsample(low, MAX_POINTS), downsample(high, MAX_POINTS));
    let outline = low.into_iter().chain(high.into_iter().rev()).filter(|p| p.1.is_finite());
    let corners: Vec<String> = outline
        .map(|point| corner(point, x, y))
        .map(|(px, py)| format!("{px:.1} {py:.1}"))
        .collect();
    if corners.is_empty() {
        return String::new();
    }
    format!("<path class=\"band\" d=\"M{}Z\"/>\n", corners.join("L"))
}

fn corner((step, value): Point, x: &Axis, y: &Axis) -> Point {
    (x.place(step) * UNIT, (1.0 - y.place(value)) * UNIT)
}

pub(super) fn across(axis: &Axis, value: f64) -> String {
    format!("{:.2}%", axis.place(value) * 100.0)
}

/// SVG counts downwards.
fn down(axis: &Axis, value: f64) -> String {
    format!("{:.2}%", (1.0 - axis.place(value)) * 100.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_band_goes_there_and_back() {
        let (x, y) = (Axis::whole(0, 10, 2), Axis::covering(0.0, 1.0, 2));
        let edges = (vec![(0.0, 0.0), (10.0, 0.5)], vec![(0.0, 0.5), (10.0, 1.0)]);
        let drawn = band(&edges, &x, &y);
        assert!(drawn.contains("M0.0 1000.0L1000.0 500.0L1000.0 0.0L0.0 500.0Z"), "{drawn}");
    }

    #[test]
    fn a_band_of_a_hundred_thousand_steps_stays_small() {
        let edge = |by: f64| (0..100_000).map(|i| (i as f64, (i as f64).sin() + by)).collect();
        let (x, y) = (Axis::whole(0, 100_000, 5), Axis::covering(-1.0, 3.0, 4));
        assert!(band(&(edge(0.0), edge(2.0)), &x, &y).len() < 40_000);
    }
}
