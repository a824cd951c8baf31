//! Each data set by itself.

use std::fmt::Write;

use super::svg::swatch;
use super::{BenchmarkReport, anchor, table, title};
use crate::markup::escape;
use crate::{Details, Task, dataset};

/// A page for each data set, where the pictures and tables lead to.
pub fn draw(report: &BenchmarkReport) -> String {
    report.datasets().into_iter().map(|name| page(report, name)).collect()
}

fn page(report: &BenchmarkReport, name: &str) -> String {
    let mut html = format!(
        "<section id=\"{}\"><header><h2>{}</h2><a href=\"#top\">back to the top</a></header>\n",
        anchor(name),
        escape(title(name))
    );
    html += &facts(name);
    html += &table::of(report, name);
    let behind = report.details.iter().filter(|(_, of, _)| of == name);
    for (place, (model, _, details)) in behind.enumerate() {
        let number = report.models.iter().position(|other| other == model);
        let _ = write!(
            html,
            "<details{}><summary>{}{} by language alone</summary>\n{}</details>\n",
            if place == 0 { " open" } else { "" },
            number.map_or(String::new(), swatch),
            escape(model),
            behind_it(details)
        );
    }
    html + "</section>\n"
}

/// What the registry knows.
fn facts(name: &str) -> String {
    let Some(dataset) = dataset(name) else { return String::new() };
    let answers = match dataset.task {
        Task::Classification | Task::Multilabel => "classes",
        _ => "answers to choose from",
    };
    let home = dataset.home.split_once("://").map_or(dataset.home.as_str(), |(_, home)| home);
    format!(
        "<p class=\"facts\"><span>{} {answers}</span><span>metric: {}</span><span>licence: {}</span>\
         <span>{}</span></p>\n",
        dataset.classes,
        dataset.metric.name().replace('_', " "),
        escape(&dataset.licence),
        escape(home)
    )
}

/// What is behind a zero-shot result.
fn behind_it(details: &Details) -> String {
    let mut html = format!(
        "<p>Expected calibration error {:.1} points. The hardest classes, and images at equal \
         distances:</p>\n<div class=\"behind\">",
        100.0 * details.calibration_error
    );
    html += &hardest(details);
    if let Some(confusion) = &details.confusion {
        html += &confusion.to_figure();
    }
    html += "</div>\n<div class=\"examples\">";
    for shown in &details.examples {
        let kind = if shown.guess == shown.truth { "right" } else { "wrong" };
        let _ = write!(
            html,
            "<figure class=\"{kind}\"><img alt=\"\" src=\"data:image/png;base64,{}\"><figcaption>{}\
             <br><small>{} ({:.0}%)</small></figcaption></figure>",
            shown.png,
            escape(&shown.truth),
            escape(&shown.guess),
            100.0 * shown.probability
        );
    }
    html + "</div>\n"
}

fn hardest(details: &Details) -> String {
    let mut html = String::from(
        "<table><thead><tr><th>class</th><th class=\"n\">recognised</th><th class=\"n\">images</th>\
         <th>taken for</th></tr></thead><tbody>\n",
    );
    for class in &details.hardest {
        let taken = class.taken_for.as_ref().map_or(String::new(), |mistake| {
            format!("{} ({:.0}%)", escape(&mistake.class), 100.0 * mistake.share)
        });
        let _ = writeln!(
            html,
            "<tr><td>{}</td><td class=\"n\"><b>{:.1}%</b><br><small>{:.1} to {:.1}</small></td>\
             <td class=\"n\">{}</td><td>{taken}</td></tr>",
            escape(&class.class),
            100.0 * class.top1,
            100.0 * class.low,
            100.0 * class.high,
            class.n
        );
    }
    html + "</tbody></table>\n"
}
