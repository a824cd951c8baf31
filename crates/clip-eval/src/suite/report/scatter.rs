//! ImageNet against its shifts, both on the logit scale.

use super::logit::{Line, logit};
use super::robust::{Point, Share};
use super::svg::{GREY, INK, PALE, colour, dashes, line, mark, picture, text};

const LEFT: f64 = 70.0;
const TOP: f64 = 12.0;
const SIDE: f64 = 400.0;
const WIDTH: f64 = 800.0;

/// Where the key begins, and how far its lines are apart.
const KEY: f64 = LEFT + SIDE + 32.0;
const KEY_LINE: f64 = 22.0;

/// Where the axes may have a number, in percent.
const TICKS: [f64; 21] = [
    0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 30.0, 40.0, 50.0, 60.0, 70.0, 80.0, 90.0, 95.0, 98.0,
    99.0, 99.5, 99.8, 99.9,
];

/// Pixels between two numbers.
const APART: f64 = 40.0;

/// The logits from end to end of both axes.
struct Scale {
    low: f64,
    high: f64,
}

impl Scale {
    /// With room around every interval.
    fn of(points: &[Point<'_>]) -> Self {
        let shares = points.iter().flat_map(|point| [point.x, point.y]);
        let ends = shares.flat_map(|share| [share.low, share.high]).map(logit);
        let [low, high] = ends.fold([f64::MAX, f64::MIN], |[a, b], end| [a.min(end), b.max(end)]);
        let room = (0.06 * (high - low)).max(0.25);
        Self { low: low - room, high: high + room }
    }

    /// Pixels from the corner.
    fn place(&self, logit: f64) -> f64 {
        SIDE * (logit - self.low) / (self.high - self.low)
    }

    /// Where two logits are.
    fn at(&self, [x, y]: [f64; 2]) -> [f64; 2] {
        [LEFT + self.place(x), TOP + SIDE - self.place(y)]
    }

    /// The numbers that have room, in percent.
    fn ticks(&self) -> Vec<f64> {
        let mut ticks: Vec<f64> = Vec::new();
        for tick in TICKS {
            let place = |tick: f64| self.place(logit(tick / 100.0));
            let has_room = ticks.last().is_none_or(|last| place(tick) - place(*last) >= APART);
            if (0.0..=SIDE).contains(&place(tick)) && has_room {
                ticks.push(tick);
            }
        }
        ticks
    }

    /// The ends of a line within the picture.
    fn ends(&self, line: &Line) -> [[f64; 2]; 2] {
        let y = |x: f64| line.intercept + line.slope * x;
        let [mut from, mut to] = [self.low, self.high];
        if line.slope.abs() > 1e-9 {
            let [a, b] = [self.low, self.high].map(|y| (y - line.intercept) / line.slope);
            (from, to) = (from.max(a.min(b)), to.min(a.max(b)));
        }
        [from, to].map(|x| self.at([x, y(x)]))
    }
}

/// The means over `shifts` data sets, and the line through the probes where there is one.
pub fn draw(points: &[Point<'_>], shifts: usize, fitted: Option<&Line>) -> String {
    let scale = Scale::of(points);
    let mut content = axes(&scale, shifts);
    let [from, to] = [scale.low, scale.high].map(|end| scale.at([end, end]));
    content += &dashes(from, to, GREY);
    if let Some(fitted) = fitted {
        let [from, to] = scale.ends(fitted);
        content += &line(from, to, INK, 1.5);
    }
    for point in points {
        let ([x, y], colour) = ([point.x, point.y], colour(point.number));
        let at = |x: f64, y: f64| scale.at([logit(x), logit(y)]);
        content += &line(at(x.low, y.value), at(x.high, y.value), colour, 2.0);
        content += &line(at(x.value, y.low), at(x.value, y.high), colour, 2.0);
    }
    for point in points {
        let at = scale.at([point.x, point.y].map(|share| logit(share.value)));
        content += &mark(at, point.task == "zero_shot", colour(point.number), &tip(point));
    }
    content += &key(points, fitted.is_some());
    let keys = points.len() as f64 + 3.0;
    let height = (TOP + SIDE + 52.0).max(TOP + KEY_LINE * keys);
    picture(WIDTH, height, "accuracy under distribution shift", &content)
}

/// The frame with its numbers and titles.
fn axes(scale: &Scale, shifts: usize) -> String {
    let mut content = String::new();
    for tick in scale.ticks() {
        let (place, label) = (scale.place(logit(tick / 100.0)), format!("{tick}%"));
        let (x, y) = (LEFT + place, TOP + SIDE - place);
        content += &line([x, TOP], [x, TOP + SIDE], PALE, 1.0);
        content += &line([LEFT, y], [LEFT + SIDE, y], PALE, 1.0);
        content += &text(x, TOP + SIDE + 20.0, "middle", "tick", &label);
        content += &text(LEFT - 8.0, y + 4.0, "end", "tick", &label);
    }
    let middle = TOP + SIDE / 2.0;
    let title = match shifts {
        1 => "one shift".to_owned(),
        shifts => format!("mean of {shifts} shifts"),
    };
    content += &text(LEFT + SIDE / 2.0, TOP + SIDE + 42.0, "middle", "tick", "ImageNet");
    content += &format!("<g transform=\"rotate(-90 16 {middle:.1})\">\n");
    content += &text(16.0, middle, "middle", "tick", &title);
    content + "</g>\n"
}

/// What colours and lines are.
fn key(points: &[Point<'_>], is_fitted: bool) -> String {
    let mut content = String::new();
    let mut y = TOP + 8.0;
    let mut last = None;
    for point in points.iter().filter(|point| last.replace(point.number) != Some(point.number)) {
        content += &line([KEY + 6.0, y], [KEY + 18.0, y], colour(point.number), 12.0);
        content += &text(KEY + 32.0, y + 4.0, "start", "name", point.model);
        y += KEY_LINE;
    }
    content += &dashes([KEY, y], [KEY + 24.0, y], GREY);
    content += &text(KEY + 32.0, y + 4.0, "start", "name", "ideal robust model, y = x");
    y += KEY_LINE;
    if is_fitted {
        content += &line([KEY, y], [KEY + 24.0, y], INK, 1.5);
        content += &text(KEY + 32.0, y + 4.0, "start", "name", "through the linear probes");
    }
    content
}

fn tip(point: &Point<'_>) -> String {
    let of = |share: Share| {
        let [value, low, high] = [share.value, share.low, share.high].map(|share| 100.0 * share);
        format!("{value:.1}% ({low:.1} to {high:.1})")
    };
    format!(
        "{}, {}: ImageNet {}, shifts {}",
        point.model,
        point.task.replace('_', " "),
        of(point.x),
        of(point.y)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_apart_and_within_the_axes() {
        for (low, high, expected) in
            [(-0.5, 3.5, vec![40.0, 50.0, 60.0, 70.0, 80.0, 90.0, 95.0]), (1.0, 1.6, vec![80.0])]
        {
            assert_eq!(Scale { low, high }.ticks(), expected);
        }
        let scale = Scale { low: -7.0, high: 7.0 };
        let ticks = scale.ticks();
        let places: Vec<f64> = ticks.iter().map(|tick| scale.place(logit(tick / 100.0))).collect();
        assert!(places.windows(2).all(|pair| pair[1] - pair[0] >= APART) && places.len() > 5);
    }

    #[test]
    fn a_line_ends_within_the_picture() {
        let scale = Scale { low: -1.0, high: 3.0 };
        let is_within = |[x, y]: [f64; 2]| {
            let (x, y) = (x - LEFT, y - TOP);
            (-1e-9..=SIDE + 1e-9).contains(&x) && (-1e-9..=SIDE + 1e-9).contains(&y)
        };
        for (intercept, slope) in [(0.0, 1.0), (-1.5, 1.2), (2.0, -0.5), (0.5, 0.0), (1.0, 40.0)] {
            let ends = scale.ends(&Line { intercept, slope });
            assert!(ends.into_iter().all(is_within), "{intercept} {slope}: {ends:?}");
        }
    }
}
