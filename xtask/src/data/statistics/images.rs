//! The page's part on images.

use clip_data::{Distinct, ImageStatistics};

use super::histogram::Histogram;
use super::page::facts;
use super::quantiles::table;
use super::ranking::list;
use super::text::{bytes, count, percent, short};

/// Tables, histograms and lists of the images.
pub fn section(images: &ImageStatistics) -> String {
    let all = images.widths.count();
    if all == 0 {
        return "<p class=\"empty\">There is no image that can be read.</p>\n".to_owned();
    }
    let histogram = |title, of, label| Histogram { title, thing: "image", of, label }.render();
    let charts = [
        histogram("Width, pixels", &images.widths, short),
        histogram("Height, pixels", &images.heights, short),
        histogram("Width over height", &images.aspect_ratios, ratio),
        histogram("Size, megapixels", &images.pixels, megapixels),
        histogram("File size", &images.bytes, bytes),
    ];
    let share = |part: u64| format!("{} ({})", count(part), percent(part, all));
    [
        facts(&[
            ("Images".to_owned(), count(all)),
            ("With an alpha channel".to_owned(), share(images.with_alpha)),
            ("Grey".to_owned(), share(images.grey)),
            ("Repeats of an earlier file".to_owned(), repeats(&images.distinct)),
        ]),
        table(&[
            ("Width, px", &images.widths, short),
            ("Height, px", &images.heights, short),
            ("Width over height", &images.aspect_ratios, ratio),
            ("Megapixels", &images.pixels, megapixels),
            ("File size", &images.bytes, bytes),
        ]),
        format!("<div class=\"charts\">\n{}</div>\n", charts.concat()),
        format!(
            "<div class=\"lists\">\n{}{}</div>\n",
            list("Formats, by content", &images.formats, 10, ""),
            list("Most frequent sizes", &images.sizes, 10, ""),
        ),
    ]
    .concat()
}

/// How many things repeat an earlier one, and whether that was counted or estimated.
pub fn repeats(distinct: &Distinct) -> String {
    let about = if distinct.one_in > 1 { "about " } else { "" };
    let repeats = distinct.repeats();
    format!("{about}{} ({})", count(repeats), percent(repeats, distinct.seen))
}

fn ratio(thousandths: f64) -> String {
    short(thousandths / 1e3)
}

fn megapixels(pixels: f64) -> String {
    short(pixels / 1e6)
}
