//! The picture of a confusion matrix.

use super::ConfusionMatrix;
use crate::markup::escape;

/// Up to so many classes, cells are large enough for their numbers.
pub(crate) const NUMBERED: usize = 20;

/// Colours of the shares 0, 1/4 and 1: one hue, the darker the more.
const SCALE: [[f64; 3]; 3] = [[247.0, 251.0, 255.0], [107.0, 174.0, 214.0], [8.0, 48.0, 107.0]];

/// Shares that the scale beside the matrix names.
const TICKS: [f64; 5] = [0.0, 0.05, 0.25, 0.5, 1.0];

/// Letters that a class's name has in a page.
const NAME_IN_PAGE: usize = 24;

/// Space on both sides of the picture.
const MARGIN: f64 = 20.0;

/// Where everything is, in pixels.
struct Frame {
    /// Upper left corner of the matrix.
    left: f64,
    top: f64,
    /// Side of the matrix.
    side: f64,
    /// Side of a cell.
    cell: f64,
    /// Size of the classes' names.
    font: f64,
    /// Whether columns are named at a slant, where there is room; else they are named upright.
    slanted: bool,
    width: f64,
    height: f64,
    /// Where the title of the columns stands.
    columns_title: f64,
}

impl Frame {
    fn new(class_names: &[String]) -> Self {
        let classes = class_names.len();
        let (cell, font) = match classes {
            _ if classes <= NUMBERED => (44.0, 13.0),
            ..=50 => (18.0, 11.0),
            _ => (10.0, 8.0),
        };
        let longest = class_names.iter().map(|name| name.chars().count()).max().unwrap_or(0);
        // A letter of the usual fonts is a little narrower than this.
        let names = 0.6 * font * longest as f64;
        let slanted = classes <= NUMBERED;
        let (left, top, side) = (MARGIN + 28.0 + names, 84.0, cell * classes as f64);
        let below = if slanted { 0.71 * names + 26.0 } else { names + 12.0 };
        let columns_title = top + side + below + 20.0;
        Self {
            left,
            top,
            side,
            cell,
            font,
            slanted,
            // The title needs room, too, where classes are few.
            width: (left + side + 110.0).max(480.0),
            height: (columns_title + MARGIN).max(300.0),
            columns_title,
        }
    }

    /// The middle of a row or column, counted from the matrix's corner.
    fn middle(&self, class: usize) -> f64 {
        (class as f64 + 0.5) * self.cell
    }
}

/// The whole picture.
pub(super) fn draw(matrix: &ConfusionMatrix, title: &str, subtitle: &str) -> String {
    let frame = Frame::new(&matrix.class_names);
    let Frame { width, height, .. } = frame;
    let head = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width:.0}\" height=\"{height:.0}\" \
         viewBox=\"0 0 {width:.0} {height:.0}\" font-family=\"system-ui, 'Segoe UI', Helvetica, \
         Arial, sans-serif\" fill=\"#24292f\">\n<rect width=\"100%\" height=\"100%\" \
         fill=\"#ffffff\"/>\n"
    );
    let titles = titles(&frame, title, subtitle) + &axes(&frame);
    let names = names(&frame, &matrix.class_names);
    let (cells, scale) = (cells(&frame, matrix), scale(&frame));
    head + &titles + &names + &cells + &scale + "</svg>\n"
}

/// The matrix alone, at four fifths of its size and in the font of the page that it stands in.
pub(super) fn draw_in_page(matrix: &ConfusionMatrix) -> String {
    let class_names = matrix.class_names.iter().map(|name| shortened(name, NAME_IN_PAGE));
    let class_names: Vec<String> = class_names.collect();
    let frame = Frame::new(&class_names);
    let top = frame.top - 4.0;
    let (width, height) = (frame.left + frame.side + 4.0, frame.columns_title + 8.0 - top);
    let head = format!(
        "<svg width=\"{:.0}\" viewBox=\"0 {top:.0} {width:.0} {height:.0}\" role=\"img\" \
         aria-label=\"confusion matrix\" fill=\"#24292f\">\n",
        0.8 * width
    );
    head + &axes(&frame) + &names(&frame, &class_names) + &cells(&frame, matrix) + "</svg>\n"
}

fn titles(frame: &Frame, title: &str, subtitle: &str) -> String {
    let room = |font: f64| ((frame.width - 2.0 * MARGIN) / (0.56 * font)) as usize;
    let title = escape(&shortened(title, room(18.0)));
    let subtitle = escape(&shortened(subtitle, room(13.0)));
    format!(
        "<text x=\"{MARGIN}\" y=\"34\" font-size=\"18\" font-weight=\"600\">{title}</text>\n\
         <text x=\"{MARGIN}\" y=\"56\" font-size=\"13\" fill=\"#57606a\">{subtitle}</text>\n"
    )
}

/// What the rows and columns are.
fn axes(frame: &Frame) -> String {
    let Frame { left, top, side, columns_title, .. } = frame;
    let (middle_x, middle_y) = (left + side / 2.0, top + side / 2.0);
    let rows_title = MARGIN + 4.0;
    format!(
        "<g font-size=\"13\" font-weight=\"600\" text-anchor=\"middle\">\n\
         <text x=\"{rows_title}\" y=\"{middle_y:.1}\" \
         transform=\"rotate(-90 {rows_title} {middle_y:.1})\">true class</text>\n\
         <text x=\"{middle_x:.1}\" y=\"{columns_title:.1}\">predicted class</text>\n</g>\n"
    )
}

/// The classes' names beside the rows and below the columns.
fn names(frame: &Frame, class_names: &[String]) -> String {
    let Frame { left, top, side, font, .. } = frame;
    // From the middle of a letter to the line it stands on.
    let drop = 0.35 * font;
    let mut svg = format!("<g font-size=\"{font}\" text-anchor=\"end\">\n");
    for (class, name) in class_names.iter().enumerate() {
        let name = escape(name);
        let (x, y) = (left - 6.0, top + frame.middle(class) + drop);
        svg += &format!("<text x=\"{x:.1}\" y=\"{y:.1}\">{name}</text>\n");
        let (angle, x, y) = match frame.slanted {
            true => (-45, left + frame.middle(class) + drop, top + side + 14.0),
            false => (-90, left + frame.middle(class) + drop, top + side + 6.0),
        };
        svg += &format!(
            "<text x=\"{x:.1}\" y=\"{y:.1}\" transform=\"rotate({angle} {x:.1} {y:.1})\">\
             {name}</text>\n"
        );
    }
    svg + "</g>\n"
}

fn cells(frame: &Frame, matrix: &ConfusionMatrix) -> String {
    let Frame { left, top, side, cell, .. } = frame;
    let is_numbered = matrix.class_names.len() <= NUMBERED;
    let (background, size) = (colour(0.0), if is_numbered { cell - 1.0 } else { *cell });
    let area = format!("x=\"{left:.1}\" y=\"{top:.1}\" width=\"{side:.1}\" height=\"{side:.1}\"");
    let mut svg = format!("<rect {area} fill=\"{background}\"/>\n");
    svg += "<g shape-rendering=\"crispEdges\">\n";
    let mut numbers = "<g font-size=\"13\" text-anchor=\"middle\">\n".to_owned();
    for (right, (from, row)) in matrix.class_names.iter().zip(&matrix.counts).enumerate() {
        let n: usize = row.iter().sum();
        // Most cells of many classes are empty, as the background is.
        let named = matrix.class_names.iter().zip(row).enumerate();
        for (guess, (to, count)) in named.filter(|(_, (_, count))| **count > 0) {
            let share = *count as f64 / n as f64;
            let (x, y) = (left + guess as f64 * cell, top + right as f64 * cell);
            let [from, to] = [from, to].map(|name| escape(name));
            svg += &format!(
                "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{size}\" height=\"{size}\" fill=\"{}\">\
                 <title>{from} as {to}: {count} of {n} ({:.1}%)</title></rect>\n",
                colour(share),
                100.0 * share
            );
            if is_numbered {
                let (x, y) = (left + frame.middle(guess), top + frame.middle(right) + 4.5);
                let ink = if share > 0.45 { "#ffffff" } else { "#24292f" };
                let place = format!("x=\"{x:.1}\" y=\"{y:.1}\"");
                numbers += &format!("<text {place} fill=\"{ink}\">{count}</text>\n");
            }
        }
    }
    svg += "</g>\n";
    svg += &if is_numbered { numbers + "</g>\n" } else { guides(frame, matrix.class_names.len()) };
    svg + &format!("<rect {area} fill=\"none\" stroke=\"#8c959f\"/>\n")
}

/// Lines after every ten classes, along which the eye finds the names.
fn guides(frame: &Frame, classes: usize) -> String {
    let Frame { left, top, side, cell, .. } = frame;
    let (right, bottom) = (left + side, top + side);
    let lines = (10..classes).step_by(10).map(|class| {
        let (x, y) = (left + class as f64 * cell, top + class as f64 * cell);
        format!("M{x:.1} {top:.1}V{bottom:.1}M{left:.1} {y:.1}H{right:.1}")
    });
    let lines = lines.collect::<String>();
    format!("<path d=\"{lines}\" fill=\"none\" stroke=\"#afb8c1\" stroke-width=\"0.5\"/>\n")
}

/// What the colours mean.
fn scale(frame: &Frame) -> String {
    let Frame { left, top, side, .. } = frame;
    let (x, height) = (left + side + 24.0, side.min(240.0));
    // Colours are linear in the root of the share, and the middle one is that of 1/4.
    let [low, middle, high] = [0.0, 0.25, 1.0].map(colour);
    let mut svg = format!(
        "<defs><linearGradient id=\"share\" x1=\"0\" y1=\"1\" x2=\"0\" y2=\"0\">\
         <stop offset=\"0\" stop-color=\"{low}\"/><stop offset=\"0.5\" stop-color=\"{middle}\"/>\
         <stop offset=\"1\" stop-color=\"{high}\"/></linearGradient></defs>\n\
         <g font-size=\"11\">\n<text x=\"{x:.1}\" y=\"{:.1}\">share of row</text>\n\
         <rect x=\"{x:.1}\" y=\"{top:.1}\" width=\"14\" height=\"{height:.1}\" \
         fill=\"url(#share)\" stroke=\"#8c959f\"/>\n",
        top - 10.0
    );
    for share in TICKS {
        let (x, y) = (x + 20.0, top + height * (1.0 - share.sqrt()) + 4.0);
        svg += &format!("<text x=\"{x:.1}\" y=\"{y:.1}\">{:.0}%</text>\n", 100.0 * share);
    }
    svg + "</g>\n"
}

/// The colour of a share.
fn colour(share: f64) -> String {
    let place = 2.0 * share.clamp(0.0, 1.0).sqrt();
    let (from, to, part) = match place < 1.0 {
        true => (SCALE[0], SCALE[1], place),
        false => (SCALE[1], SCALE[2], place - 1.0),
    };
    let [red, green, blue]: [u8; 3] =
        std::array::from_fn(|i| (from[i] + part * (to[i] - from[i])).round() as u8);
    format!("#{red:02x}{green:02x}{blue:02x}")
}

/// At most `room` characters; of a long path the end tells more than the beginning.
fn shortened(text: &str, room: usize) -> String {
    let length = text.chars().count();
    if length <= room {
        return text.to_owned();
    }
    let end = text.chars().skip(length - room.saturating_sub(1).min(length));
    std::iter::once('…').chain(end).collect()
}

#[cfg(test)]
mod tests;
