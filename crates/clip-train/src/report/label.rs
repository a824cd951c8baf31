//! The values at the ends of a chart's lines.

use super::axis::Axis;
use super::chart::Chart;
use super::draw::across;
use super::series::Point;

/// Height of a label in CSS pixels.
const LINE: f64 = 15.0;

/// For each run a dot at the last finite point and its value: beside it or, where there are
/// several runs, in the margin, since a shorter run ends among the others' lines.
pub(super) fn ends(chart: &Chart<'_>, x: &Axis, y: &Axis) -> String {
    let ends: Vec<(usize, Point)> = (0..)
        .zip(&chart.runs)
        .filter_map(|(run, series)| Some((run, *series.line.iter().rfind(|p| p.1.is_finite())?)))
        .collect();
    let heights: Vec<f64> = ends.iter().map(|(_, end)| 1.0 - y.place(end.1)).collect();
    let apart = spread(&heights, LINE / chart.size.height());
    let label = |((run, (step, value)), (dot, text)): (&(usize, Point), (&f64, &f64))| {
        let dot_at = (across(x, *step), percent(*dot));
        let beside = if chart.runs.len() > 1 { "100%" } else { &dot_at.0 };
        let text_at = (beside, percent(*text));
        chart.grouped(*run, mark(&dot_at, &text_at, &chart.unit.text(*value)))
    };
    // The first run comes last, on top.
    ends.iter().zip(heights.iter().zip(&apart)).rev().map(label).collect()
}

fn mark((cx, cy): &(String, String), (x, y): &(&str, String), value: &str) -> String {
    format!(
        "<circle class=\"end\" cx=\"{cx}\" cy=\"{cy}\" r=\"3\"/>\
         <text class=\"end\" x=\"{x}\" y=\"{y}\" dx=\"8\" dy=\"4\">{value}</text>\n"
    )
}

fn percent(height: f64) -> String {
    format!("{:.2}%", height * 100.0)
}

/// Moves heights (0 the top, 1 the bottom) until they are `gap` apart, keeping their order and,
/// while there is room, all of them above the bottom. One alone stays where it is.
fn spread(heights: &[f64], gap: f64) -> Vec<f64> {
    let mut order: Vec<usize> = (0..heights.len()).collect();
    order.sort_by(|a, b| heights[*a].total_cmp(&heights[*b]));
    let mut moved = heights.to_vec();
    let mut free = 0.0;
    for &i in &order {
        moved[i] = moved[i].max(free);
        free = moved[i] + gap;
    }
    let mut floor = 1.0;
    for &i in order.iter().rev() {
        moved[i] = moved[i].min(floor);
        floor = moved[i] - gap;
    }
    moved
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rounded(heights: &[f64]) -> Vec<f64> {
        spread(heights, 0.1).iter().map(|h| (h * 100.0).round() / 100.0).collect()
    }

    #[test]
    fn labels_far_apart_stay_where_they_are() {
        assert_eq!(rounded(&[0.5]), [0.5]);
        assert_eq!(rounded(&[0.9, 0.0, 0.4]), [0.9, 0.0, 0.4]);
    }

    #[test]
    fn labels_at_one_height_are_pushed_apart_in_order() {
        assert_eq!(rounded(&[0.5, 0.49, 0.5]), [0.59, 0.49, 0.69]);
    }

    #[test]
    fn the_bottom_pushes_back() {
        assert_eq!(rounded(&[1.0, 0.97, 1.0]), [0.9, 0.8, 1.0]);
    }
}
