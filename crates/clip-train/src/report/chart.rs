//! Line charts as inline SVG.
//!
//! The outer SVG is laid out in pixels and percentages, so its text keeps its size at any width;
//! the lines live in a nested SVG whose unit square stretches with it.

use super::axis::Axis;
use super::markup::escape;
use super::number;
use super::series::{Point, downsample, range};

/// More points than this cannot be told apart on a page.
const MAX_POINTS: usize = 800;

/// Side of the square that the lines are drawn in.
const UNIT: f64 = 1000.0;

/// A quantity over the steps of a run.
pub(super) struct Chart<'a> {
    /// What is drawn, with its unit.
    pub title: &'a str,
    /// A sentence under the title.
    pub note: String,
    /// CSS class that sets the height.
    pub size: &'a str,
    /// The thick line, labelled at its end.
    pub line: Vec<Point>,
    /// A thin line behind it; may be empty.
    pub behind: Vec<Point>,
    /// A value to compare with.
    pub reference: Option<Reference>,
    /// About how many ticks each axis has.
    pub ticks: (usize, usize),
}

/// A dashed horizontal line with its label.
pub(super) struct Reference {
    pub value: f64,
    pub label: String,
}

impl Chart<'_> {
    /// The chart as a `<figure>`; a sentence instead of axes when nothing is finite.
    pub fn render(&self) -> String {
        let (title, note) = (escape(self.title), escape(&self.note));
        let plot = match self.axes() {
            Some((x, y)) => self.plot(&x, &y),
            None => "<p class=\"empty\">Nothing to draw.</p>".to_owned(),
        };
        format!(
            "<figure class=\"chart {}\">\n<figcaption><h3>{title}</h3><p>{note}</p></figcaption>\n\
             {plot}</figure>\n",
            self.size,
        )
    }

    fn axes(&self) -> Option<(Axis, Axis)> {
        let points = || self.line.iter().chain(&self.behind);
        range(points().map(|p| p.1))?;
        let reference = self.reference.iter().map(|r| r.value);
        let (low, high) = range(points().map(|p| p.1).chain(reference))?;
        let (first, last) = range(points().map(|p| p.0))?;
        let x = Axis::whole(first as u64, last as u64, self.ticks.0);
        Some((x, Axis::covering(low, high, self.ticks.1)))
    }

    fn plot(&self, x: &Axis, y: &Axis) -> String {
        let label = escape(&format!("{}. {}", self.title, self.note));
        let reference = self.reference.as_ref().map(|r| dashed(r, y)).unwrap_or_default();
        format!(
            "<svg class=\"plot\" role=\"img\" aria-label=\"{label}\">\n{}{}\
             <svg viewBox=\"0 0 {UNIT} {UNIT}\" preserveAspectRatio=\"none\" \
             overflow=\"visible\">\n{}{}</svg>\n{reference}{}</svg>\n",
            y_axis(y),
            x_axis(x),
            path(&self.behind, "behind", x, y),
            path(&self.line, "line", x, y),
            end_label(&self.line, x, y),
        )
    }
}

fn y_axis(axis: &Axis) -> String {
    let tick = |value: &f64| {
        let (y, text) = (down(axis, *value), number::tick(*value, axis.step));
        format!(
            "<line class=\"rule\" x1=\"0\" x2=\"100%\" y1=\"{y}\" y2=\"{y}\"/>\
             <text class=\"tick\" x=\"-8\" y=\"{y}\" dy=\"4\" text-anchor=\"end\">{text}</text>\n"
        )
    };
    axis.ticks.iter().map(tick).collect()
}

fn x_axis(axis: &Axis) -> String {
    let tick = |value: &f64| {
        let (x, text) = (across(axis, *value), number::tick(*value, axis.step));
        format!(
            "<text class=\"tick\" x=\"{x}\" y=\"100%\" dy=\"20\" text-anchor=\"middle\">\
             {text}</text>\n"
        )
    };
    let name =
        "<text class=\"tick\" x=\"-8\" y=\"100%\" dy=\"20\" text-anchor=\"end\">step</text>\n";
    axis.ticks.iter().map(tick).chain([name.to_owned()]).collect()
}

fn dashed(reference: &Reference, axis: &Axis) -> String {
    let (y, label) = (down(axis, reference.value), escape(&reference.label));
    format!(
        "<line class=\"reference\" x1=\"0\" x2=\"100%\" y1=\"{y}\" y2=\"{y}\"/>\
         <text class=\"note\" x=\"100%\" y=\"{y}\" dy=\"-7\" text-anchor=\"end\">{label}</text>\n"
    )
}

/// A dot at the last finite point and its value beside it.
fn end_label(points: &[Point], x: &Axis, y: &Axis) -> String {
    let Some(&(step, value)) = points.iter().rfind(|p| p.1.is_finite()) else {
        return String::new();
    };
    let (cx, cy, text) = (across(x, step), down(y, value), number::short(value));
    format!(
        "<circle class=\"end\" cx=\"{cx}\" cy=\"{cy}\" r=\"3\"/>\
         <text class=\"end\" x=\"{cx}\" y=\"{cy}\" dx=\"8\" dy=\"4\">{text}</text>\n"
    )
}

/// One path, lifted at every gap. A point alone between gaps is a dot: a line of no length with
/// round ends.
fn path(points: &[Point], class: &str, x: &Axis, y: &Axis) -> String {
    let mut data = String::new();
    let mut drawing = false;
    for (step, value) in downsample(points, MAX_POINTS) {
        if value.is_finite() {
            let (px, py) = (x.place(step) * UNIT, (1.0 - y.place(value)) * UNIT);
            let start = format!("M{px:.1} {py:.1}h0");
            data.push_str(&if drawing { format!("L{px:.1} {py:.1}") } else { start });
        }
        drawing = value.is_finite();
    }
    if data.is_empty() {
        return data;
    }
    format!("<path class=\"{class}\" d=\"{data}\"/>\n")
}

fn across(axis: &Axis, value: f64) -> String {
    format!("{:.2}%", axis.place(value) * 100.0)
}

/// SVG counts downwards.
fn down(axis: &Axis, value: f64) -> String {
    format!("{:.2}%", (1.0 - axis.place(value)) * 100.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chart(line: Vec<Point>) -> Chart<'static> {
        Chart {
            title: "Loss, nats",
            note: String::new(),
            size: "tall",
            line,
            behind: vec![],
            reference: None,
            ticks: (5, 4),
        }
    }

    #[test]
    fn a_gap_lifts_the_pen() {
        let svg = chart(vec![(1.0, 3.0), (2.0, f64::NAN), (3.0, 1.0), (4.0, 2.0)]).render();
        let path = svg.split("d=\"").nth(1).and_then(|s| s.split('"').next()).unwrap();
        assert_eq!(path.matches('M').count(), 2);
        assert_eq!(path.matches('L').count(), 1);
        assert!(!svg.contains("NaN") && !svg.contains("inf"));
    }

    #[test]
    fn one_step_is_a_dot_in_the_middle() {
        let svg = chart(vec![(1.0, 6.9)]).render();
        assert!(svg.contains("<circle class=\"end\" cx=\"50.00%\""));
        assert!(!svg.contains("NaN"));
    }

    #[test]
    fn nothing_finite_draws_no_axes() {
        for line in [vec![], vec![(1.0, f64::NAN), (2.0, f64::INFINITY)]] {
            assert!(!chart(line).render().contains("<svg"));
        }
    }

    #[test]
    fn a_long_run_stays_small() {
        let line = (0..100_000).map(|i| (i as f64, (i as f64 * 0.37).sin() + 2.0)).collect();
        assert!(chart(line).render().len() < 20_000);
    }

    #[test]
    fn the_reference_is_inside_the_axes() {
        let mut chart = chart(vec![(1.0, 2.0), (2.0, 1.0)]);
        chart.reference = Some(Reference { value: 6.93, label: "a < b".into() });
        let svg = chart.render();
        assert!(svg.contains("y1=\"13.38%\"") && svg.contains("a &lt; b"));
    }
}
