//! Histograms as inline SVG.
//!
//! Bars are placed in per cent, so that the drawing takes any width while its text keeps its size.

use clip_data::Distribution;

use super::text::{escape, percent, things};

/// About how many bars there are.
const BARS: u64 = 32;

/// About how many labels an axis has.
const TICKS: u64 = 5;

/// The share of values at each end that may lie beyond the bars.
const TAIL: f64 = 0.01;

/// The share of the width that the label of the last, open bar takes from its neighbours.
const MORE_SHARE: f64 = 0.12;

/// A quantity and how it is written.
pub struct Histogram<'a> {
    /// What is counted, with its unit.
    pub title: &'a str,
    /// What has the quantity, in the singular: `image`.
    pub thing: &'a str,
    /// The values.
    pub of: &'a Distribution,
    /// A value as text.
    pub label: fn(f64) -> String,
}

/// The values from `low` to below `high`.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Bar {
    low: u64,
    high: u64,
    count: u64,
    /// Whether it stands for everything on its side.
    open: bool,
}

impl Histogram<'_> {
    /// The figure; empty where all values are the same or there are none.
    pub fn render(&self) -> String {
        let ends = self.of.ends();
        if ends.is_none_or(|(least, most)| least == most) {
            return String::new();
        }
        let (step, bars) = bars(self.of);
        format!(
            "<figure class=\"chart small\">\n<figcaption><h3>{}</h3><p>{}</p></figcaption>\n\
             <svg class=\"plot\" role=\"img\" aria-label=\"{}\">\n{}{}{}</svg>\n</figure>\n",
            escape(self.title),
            escape(&self.note()),
            escape(&format!("{}. {}", self.title, self.note())),
            self.rules(&bars),
            self.rectangles(&bars),
            self.labels(step, &bars),
        )
    }

    fn note(&self) -> String {
        let at = |share| self.of.quantile(share).map(|value| (self.label)(value as f64));
        match (at(0.5), at(0.05), at(0.95)) {
            (Some(median), Some(low), Some(high)) if low != high => {
                format!("Median {median}; nine in ten from {low} to {high}.")
            }
            (Some(median), ..) => format!("Nearly all {median}."),
            _ => String::new(),
        }
    }

    fn rules(&self, bars: &[Bar]) -> String {
        let most = tallest(bars);
        // A label in per cent for about every fifth of the height.
        let step = round_step((most as f64 / self.of.count() as f64 * 200.0).ceil() as u64);
        let rule = |tenths: u64| {
            let share = tenths as f64 / 1000.0 * self.of.count() as f64 / most as f64;
            let y = (1.0 - share) * 100.0;
            let text = tenths as f64 / 10.0;
            format!(
                "<line class=\"rule\" x1=\"0\" x2=\"100%\" y1=\"{y:.2}%\" y2=\"{y:.2}%\"/>\
                 <text class=\"tick\" x=\"-8\" y=\"{y:.2}%\" dy=\"4\" text-anchor=\"end\">{text}%</text>\n"
            )
        };
        let top = (most as f64 / self.of.count() as f64 * 1000.0).floor() as u64;
        (0..=top / step).map(|number| rule(number * step)).collect()
    }

    fn rectangles(&self, bars: &[Bar]) -> String {
        let (width, most) = (100.0 / bars.len() as f64, tallest(bars));
        let rectangle = |(place, bar): (usize, &Bar)| {
            let height = bar.count as f64 / most as f64 * 100.0;
            let (x, y) = (place as f64 * width, 100.0 - height);
            let class = if bar.open { "bin open" } else { "bin" };
            let title = escape(&self.describe(bar));
            format!(
                "<rect class=\"{class}\" x=\"{x:.3}%\" y=\"{y:.2}%\" width=\"{width:.3}%\" \
                 height=\"{height:.2}%\"><title>{title}</title></rect>\n"
            )
        };
        bars.iter().enumerate().filter(|(_, bar)| bar.count > 0).map(rectangle).collect()
    }

    fn describe(&self, bar: &Bar) -> String {
        let label = |value: u64| (self.label)(value as f64);
        let range = match (bar.open, bar.low, bar.high) {
            (true, 0, high) => format!("below {}", label(high)),
            (true, low, _) => format!("{} and more", label(low)),
            (false, low, high) if high - low == 1 => label(low),
            (false, low, high) => format!("{} to {}", label(low), label(high - 1)),
        };
        let share = percent(bar.count, self.of.count());
        format!("{range}: {}, {share}", things(bar.count, self.thing))
    }

    /// Labels under the starts of bars, or under their middles where each is one value.
    fn labels(&self, step: u64, bars: &[Bar]) -> String {
        let closed: Vec<(usize, &Bar)> =
            bars.iter().enumerate().filter(|(_, bar)| !bar.open).collect();
        let every =
            if closed.len() <= 8 { step } else { step * round_step(closed.len() as u64 / TICKS) };
        let width = 100.0 / bars.len() as f64;
        let shift = if step == 1 { 0.5 } else { 0.0 };
        let label = |place: f64, text: String| {
            format!(
                "<text class=\"tick\" x=\"{:.2}%\" y=\"100%\" dy=\"20\" text-anchor=\"middle\">\
                 {}</text>\n",
                place * width,
                escape(&text)
            )
        };
        let more = bars.last().filter(|bar| bar.open).map(|_| bars.len() as f64 - 0.5);
        let room = more.map_or(f64::MAX, |place| place - bars.len() as f64 * MORE_SHARE);
        let ticks = closed.iter().filter(|(_, bar)| bar.low.is_multiple_of(every));
        ticks
            .map(|(place, bar)| (*place as f64 + shift, bar.low))
            .filter(|(place, _)| *place < room)
            .map(|(place, value)| label(place, (self.label)(value as f64)))
            .chain(more.map(|place| label(place, "more".to_owned())))
            .collect()
    }
}

fn tallest(bars: &[Bar]) -> u64 {
    bars.iter().map(|bar| bar.count).max().unwrap_or(0).max(1)
}

/// The width of a bar in values, and the bars: equally wide over all but the tails, each of which
/// is a bar of its own.
fn bars(of: &Distribution) -> (u64, Vec<Bar>) {
    let at = |share| of.quantile(share).unwrap_or(0);
    let (least, most) = of.ends().unwrap_or((0, 0));
    let close = |end: u64, tail: u64| end.abs_diff(tail) <= BARS / 2;
    let low = if close(least, at(TAIL)) { least } else { at(TAIL) };
    let high = if close(most, at(1.0 - TAIL)) { most } else { at(1.0 - TAIL) };
    let low = if low <= (high - low) / 3 { 0 } else { low };
    let low = if least > 0 && low == 0 && high - least < BARS { least } else { low };
    let step = round_step((high - low).div_ceil(BARS));
    let (first, last) = (low / step, high / step);
    let bar = |low, high, open| Bar { low, high, count: of.within(low..high), open };
    let mut bars: Vec<Bar> =
        (first..=last).map(|number| bar(number * step, (number + 1) * step, false)).collect();
    let (start, end) = (first * step, (last + 1) * step);
    if of.within(0..start) > 0 {
        bars.insert(0, bar(0, start, true));
    }
    let beyond = of.count() - of.within(0..end);
    if beyond > 0 {
        bars.push(Bar { low: end, high: u64::MAX, count: beyond, open: true });
    }
    (step, bars)
}

/// The smallest 1, 2 or 5 times a power of ten that is no smaller than `at_least`.
fn round_step(at_least: u64) -> u64 {
    let powers = std::iter::successors(Some(1u64), |power| power.checked_mul(10));
    let mut rounds = powers.flat_map(|power| [1, 2, 5].map(|times| power.saturating_mul(times)));
    rounds.find(|step| *step >= at_least).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use std::num::NonZero;
    use std::ops::ControlFlow;
    use std::sync::Arc;

    use clip_data::{RawSample, StatisticsConfig, gather};

    use super::super::text::short;
    use super::*;

    /// The distribution of these lengths, by way of captions as long.
    fn lengths(lengths: &[usize]) -> Distribution {
        let samples = |_| {
            lengths.iter().map(|length| {
                let members = vec![("txt".to_owned(), vec![b'x'; *length])];
                Ok(RawSample { key: String::new(), shard: Arc::from("a"), members })
            })
        };
        let (config, threads) = (StatisticsConfig::default(), NonZero::<usize>::MIN);
        let gathered = gather(1, samples, &config, threads, |_| ControlFlow::Continue(()));
        gathered.map(|statistics| statistics.captions.characters).unwrap_or_default()
    }

    fn render(of: &Distribution) -> String {
        Histogram { title: "Words", thing: "caption", of, label: short }.render()
    }

    #[test]
    fn few_values_have_a_bar_each() {
        let of = lengths(&[3, 4, 4, 6]);
        let (step, bars) = bars(&of);
        let counts: Vec<_> = bars.iter().map(|bar| (bar.low, bar.count)).collect();
        assert_eq!((step, counts.as_slice()), (1, [(3, 1), (4, 2), (5, 0), (6, 1)].as_slice()));
        assert!(render(&of).contains("<title>4: 2 captions, 50.0%</title>"));
    }

    #[test]
    fn a_long_tail_is_one_bar_and_nothing_is_lost() {
        let mut values: Vec<usize> = (0..1000).map(|number| 1 + number % 300).collect();
        values.push(9000);
        let of = lengths(&values);
        let (_, bars) = bars(&of);
        assert!((20..45).contains(&bars.len()), "{}", bars.len());
        let last = bars.last();
        assert!(last.is_some_and(|bar| bar.open && bar.count == 4), "{last:?}");
        assert_eq!(bars.iter().map(|bar| bar.count).sum::<u64>(), 1001);
        assert!(render(&of).contains(">more<"));
    }

    #[test]
    fn one_value_needs_no_drawing() {
        assert_eq!(render(&lengths(&[7, 7])), "");
        assert_eq!(render(&lengths(&[])), "");
    }

    #[test]
    fn steps_are_round() {
        assert_eq!([0, 1, 3, 11, 50, 501].map(round_step), [1, 1, 5, 20, 50, 1000]);
        assert_eq!(round_step(u64::MAX), u64::MAX);
    }
}
