//! Line charts as inline SVG.

use super::axis::Axis;
use super::draw;
use super::label;
use super::markup::escape;
use super::overlay;
use super::series::{Point, range};
use super::unit::Unit;

/// A quantity over the steps of one run or several.
pub(super) struct Chart<'a> {
    /// What is drawn, with its unit.
    pub title: String,
    /// A sentence under the title.
    pub note: String,
    pub size: Size,
    pub unit: Unit,
    /// One entry a run, in the order of the legend.
    pub runs: Vec<Series<'a>>,
    /// A value to compare with.
    pub reference: Option<Reference>,
}

/// What one run adds to a chart.
#[derive(Default)]
pub(super) struct Series<'a> {
    /// The run, named where a chart has several.
    pub name: &'a str,
    /// The thick line, labelled at its end.
    pub line: Vec<Point>,
    /// A thin line behind it; may be empty.
    pub behind: Vec<Point>,
    /// Lower and upper edge of a band behind the line; may be empty.
    pub band: (Vec<Point>, Vec<Point>),
}

/// A dashed horizontal line with its label.
pub(super) struct Reference {
    pub value: f64,
    pub label: String,
}

/// How much of the page a chart takes.
#[derive(Clone, Copy)]
pub(super) enum Size {
    /// The whole width.
    Tall,
    /// Half of it.
    Small,
}

impl Chart<'_> {
    /// The chart as a `<figure>`; a sentence instead of axes when nothing is finite.
    pub fn render(&self) -> String {
        let (title, note) = (escape(&self.title), escape(&self.note));
        let plot = match self.axes() {
            Some((x, y)) => self.plot(&x, &y),
            None => "<p class=\"empty\">Nothing to draw.</p>".to_owned(),
        };
        format!(
            "<figure class=\"chart {}\">\n<figcaption><h3>{title}</h3><p>{note}</p></figcaption>\n\
             {plot}</figure>\n",
            self.size.class(),
        )
    }

    /// Whether any value is finite.
    pub fn has_values(&self) -> bool {
        range(self.points().map(|p| p.1)).is_some()
    }

    fn points(&self) -> impl Iterator<Item = &Point> {
        self.runs.iter().flat_map(Series::points)
    }

    fn axes(&self) -> Option<(Axis, Axis)> {
        range(self.points().map(|p| p.1))?;
        let reference = self.reference.iter().map(|r| r.value);
        let (low, high) = range(self.points().map(|p| p.1).chain(reference))?;
        let (first, last) = range(self.points().map(|p| p.0))?;
        let (across, up) = self.size.ticks();
        let x = Axis::whole(first as u64, last as u64, across);
        Some((x, Axis::covering(low, high, up)))
    }

    fn plot(&self, x: &Axis, y: &Axis) -> String {
        let label = escape(&format!("{}. {}", self.title, self.note));
        let reference = self.reference.as_ref().map(|r| draw::dashed(r, y)).unwrap_or_default();
        format!(
            "<svg class=\"plot\" role=\"img\" aria-label=\"{label}\">\n{}{}{}{reference}{}</svg>\n",
            draw::y_axis(y, self.unit),
            draw::x_axis(x),
            draw::stretched(&self.marks(x, y)),
            label::ends(self, x, y),
        )
    }

    /// The lines over everything behind them.
    fn marks(&self, x: &Axis, y: &Axis) -> String {
        self.layer(|series| series.background(x, y))
            + &self.layer(|series| draw::path(&series.line, "line", x, y))
    }

    /// The first run's marks on top of the others'.
    fn layer(&self, draw: impl Fn(&Series<'_>) -> String) -> String {
        let runs = self.runs.iter().enumerate().rev();
        runs.map(|(run, series)| self.grouped(run, draw(series))).collect()
    }

    /// Marks of one run in its colour. Its name appears where a pointer rests on them.
    pub fn grouped(&self, run: usize, marks: String) -> String {
        if self.runs.len() < 2 || marks.is_empty() {
            return marks;
        }
        let (class, name) = (overlay::class(run), escape(self.runs[run].name));
        format!("<g class=\"{class}\"><title>{name}</title>\n{marks}</g>\n")
    }
}

impl Series<'_> {
    fn points(&self) -> impl Iterator<Item = &Point> {
        self.line.iter().chain(&self.behind).chain(&self.band.0).chain(&self.band.1)
    }

    fn background(&self, x: &Axis, y: &Axis) -> String {
        draw::band(&self.band, x, y) + &draw::path(&self.behind, "behind", x, y)
    }
}

impl Size {
    fn class(self) -> &'static str {
        match self {
            Self::Tall => "tall",
            Self::Small => "small",
        }
    }

    /// Height of the plot in CSS pixels; `style.css` says the same.
    pub fn height(self) -> f64 {
        match self {
            Self::Tall => 300.0,
            Self::Small => 160.0,
        }
    }

    /// About how many ticks the horizontal and the vertical axis have.
    fn ticks(self) -> (usize, usize) {
        match self {
            Self::Tall => (5, 4),
            Self::Small => (4, 3),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chart(lines: Vec<Vec<Point>>) -> Chart<'static> {
        let series = |line| Series { name: "<a>", line, ..Series::default() };
        Chart {
            title: "Loss, nats".into(),
            note: String::new(),
            size: Size::Tall,
            unit: Unit::Number,
            runs: lines.into_iter().map(series).collect(),
            reference: None,
        }
    }

    #[test]
    fn a_gap_lifts_the_pen() {
        let line = vec![(1.0, 3.0), (2.0, f64::NAN), (3.0, 1.0), (4.0, 2.0)];
        let svg = chart(vec![line]).render();
        let path = svg.split("d=\"").nth(1).and_then(|s| s.split('"').next()).unwrap();
        assert_eq!(path.matches('M').count(), 2);
        assert_eq!(path.matches('L').count(), 1);
        assert!(!svg.contains("NaN") && !svg.contains("inf"));
    }

    #[test]
    fn one_step_is_a_dot_in_the_middle() {
        let svg = chart(vec![vec![(1.0, 6.9)]]).render();
        assert!(svg.contains("<circle class=\"end\" cx=\"50.00%\""));
        assert!(!svg.contains("NaN"));
    }

    #[test]
    fn nothing_finite_draws_no_axes() {
        for line in [vec![], vec![(1.0, f64::NAN), (2.0, f64::INFINITY)]] {
            let chart = chart(vec![line]);
            assert!(!chart.has_values() && !chart.render().contains("<svg"));
        }
    }

    #[test]
    fn a_long_run_stays_small() {
        let line = (0..100_000).map(|i| (i as f64, (i as f64 * 0.37).sin() + 2.0)).collect();
        assert!(chart(vec![line]).render().len() < 20_000);
    }

    #[test]
    fn the_reference_is_inside_the_axes() {
        let mut chart = chart(vec![vec![(1.0, 2.0), (2.0, 1.0)]]);
        chart.reference = Some(Reference { value: 6.93, label: "a < b".into() });
        let svg = chart.render();
        assert!(svg.contains("y1=\"13.38%\"") && svg.contains("a &lt; b"));
    }

    #[test]
    fn runs_share_their_axes_and_the_first_is_drawn_last() {
        let svg = chart(vec![vec![(1.0, 2.0), (2.0, 1.0)], vec![(5.0, 6.0), (11.0, 8.0)]]).render();
        assert!(svg.contains("<title>&lt;a&gt;</title>"));
        assert!(svg.contains("cx=\"10.00%\"") && svg.contains("cx=\"100.00%\""), "{svg}");
        assert!(svg.find("run-1").unwrap() < svg.find("run-0").unwrap());
        assert!(!chart(vec![vec![(1.0, 2.0)]]).render().contains("run-"));
    }

    #[test]
    fn the_band_is_inside_the_axes() {
        let mut chart = chart(vec![vec![(1.0, 0.5), (2.0, 0.6)]]);
        chart.unit = Unit::Share;
        let edge = |by: f64| vec![(1.0, 0.5 + by), (2.0, 0.6 + by)];
        chart.runs[0].band = (edge(-0.3), edge(0.3));
        let svg = chart.render();
        assert!(
            svg.contains("class=\"band\"") && svg.contains(">100%<") && svg.contains(">60.0%<")
        );
    }
}
