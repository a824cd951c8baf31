//! Pieces of pictures.

use super::{anchor, title};
use crate::markup::escape;

/// Colours that are told apart with any kind of sight (Okabe and Ito 2008).
const COLOURS: [&str; 6] = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9"];

pub const INK: &str = "#1f2328";
pub const PALE: &str = "#d8dee4";
pub const GREY: &str = "#656d76";

/// The colour of a series.
pub fn colour(number: usize) -> &'static str {
    COLOURS[number % COLOURS.len()]
}

/// A spot of a series' colour, for HTML.
pub fn swatch(number: usize) -> String {
    format!("<i class=\"swatch\" style=\"background:{}\"></i>", colour(number))
}

/// A picture of this size.
pub fn picture(width: f64, height: f64, title: &str, content: &str) -> String {
    format!(
        "<svg class=\"plot\" viewBox=\"0 0 {width:.0} {height:.0}\" width=\"{width:.0}\" role=\"img\" \
         aria-label=\"{}\">\n{content}</svg>\n",
        escape(title)
    )
}

pub fn text(x: f64, y: f64, anchor: &str, class: &str, words: &str) -> String {
    format!(
        "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\" class=\"{class}\">{}</text>\n",
        escape(words)
    )
}

pub fn line([x1, y1]: [f64; 2], [x2, y2]: [f64; 2], colour: &str, width: f64) -> String {
    format!(
        "<line x1=\"{x1:.1}\" y1=\"{y1:.1}\" x2=\"{x2:.1}\" y2=\"{y2:.1}\" stroke=\"{colour}\" \
         stroke-width=\"{width}\"/>\n"
    )
}

/// A line for what is not measured.
pub fn dashes([x1, y1]: [f64; 2], [x2, y2]: [f64; 2], colour: &str) -> String {
    format!(
        "<line x1=\"{x1:.1}\" y1=\"{y1:.1}\" x2=\"{x2:.1}\" y2=\"{y2:.1}\" stroke=\"{colour}\" \
         stroke-width=\"1.5\" stroke-dasharray=\"6 4\"/>\n"
    )
}

/// A data set's title to the left of a point, which leads to its page.
pub fn name(x: f64, y: f64, dataset: &str) -> String {
    let words = text(x, y, "end", "name", title(dataset));
    format!("<a href=\"#{}\">{words}</a>", anchor(dataset))
}

/// A filled dot for what language alone knows, a ring for what is learned from examples.
pub fn mark([x, y]: [f64; 2], is_zero_shot: bool, colour: &str, tip: &str) -> String {
    let fill = if is_zero_shot { colour } else { "#ffffff" };
    format!(
        "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"4.5\" fill=\"{fill}\" stroke=\"{colour}\" \
         stroke-width=\"2\"><title>{}</title></circle>\n",
        escape(tip)
    )
}
