//! Images of the test sets that are among the training images (paper, section 5 and figure 17).

use std::fmt::Write;

use super::BenchmarkReport;
use crate::dataset;
use crate::markup::escape;

/// A line for each model and data set. Nothing where the training images are not known.
pub fn draw(report: &BenchmarkReport) -> String {
    if report.overlaps.is_empty() {
        return String::new();
    }
    let mut html = String::from(
        "<section><h2>Seen in training</h2>\n<p>Images to measure on that look the same as one of \
         the training images, up to size and compression; how many of them, and of the others, are \
         named by language alone, with Clopper and Pearson's 99.5% interval; what they add to the \
         result; and how likely that many would be named, or more, if they were named as often as \
         the others.</p>\n<table><thead><tr><th>data set</th><th>model</th>\
         <th class=\"n\">seen</th><th class=\"n\">named of those</th>\
         <th class=\"n\">of the others</th><th class=\"n\">added, points</th>\
         <th class=\"n\">p</th></tr></thead><tbody>\n",
    );
    let percent = |share: f64| match share.is_nan() {
        true => "–".to_owned(),
        // What rounds to nothing has no sign.
        false => format!("{:.1}", (1000.0 * share).round() / 10.0 + 0.0),
    };
    for o in &report.overlaps {
        let title = dataset(&o.dataset).map_or(o.dataset.as_str(), |dataset| &dataset.title);
        let seen = 100.0 * o.overlapping as f64 / o.images as f64;
        let _ = writeln!(
            html,
            "<tr><td>{}</td><td>{}</td><td class=\"n\">{} of {}<br><small>{seen:.1}%</small></td>\
             <td class=\"n\"><b>{}</b><br><small>{} to {}</small></td><td class=\"n\">{}</td>\
             <td class=\"n\">{}</td><td class=\"n\">{:.3}</td></tr>",
            escape(title),
            escape(&o.model),
            o.overlapping,
            o.images,
            percent(o.overlap),
            percent(o.interval.0),
            percent(o.interval.1),
            percent(o.clean),
            percent(o.gain()),
            o.p_value
        );
    }
    html + "</tbody></table></section>\n"
}
