use std::fmt::Write;

use super::svg::colour;
use super::{BenchmarkReport, dots, few, gap, table};
use crate::markup::escape;
use crate::{Details, dataset};

/// The whole page.
pub fn render(report: &BenchmarkReport) -> String {
    let mut html = format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <title>Benchmark</title>\n<style>{}</style></head><body>\n<h1>What the models can do</h1>\n",
        include_str!("style.css")
    );
    html += &legend(report);
    html += "<section><h2>By data set</h2>\n";
    html += &dots::draw(report);
    html += "</section>\n";
    for baseline in &report.baselines {
        for (number, model) in report.models.iter().enumerate() {
            let picture = gap::draw(report, number, model, baseline);
            if !picture.is_empty() {
                let _ = write!(
                    html,
                    "<section><h2>{} by language alone, against a probe on {}</h2>\n<p>Points that \
                     the zero-shot model is above (right) or below (left) a linear probe that is \
                     fitted to all labelled images, on features of a supervised network: the \
                     paper's figure 5.</p>\n{picture}</section>\n",
                    escape(model),
                    escape(baseline)
                );
            }
        }
    }
    let curve = few::draw(report);
    if !curve.is_empty() {
        html += "<section><h2>What few examples teach</h2>\n<p>Linear probes on so many images of \
                 each class, drawn three times; at 0 the model by language alone.</p>\n";
        html += &curve;
        html += "</section>\n";
    }
    html += "<section><h2>Every result</h2>\n<p>Percent, with 95% intervals (Wilson's for top1, \
             bootstrap for the other metrics; of few-shot results the lowest and highest of three \
             draws).</p>\n";
    html += &table::draw(report);
    html += "</section>\n";
    if !report.absent.is_empty() {
        html += "<section><h2>Not measured</h2>\n<ul class=\"absent\">";
        for (name, reason) in &report.absent {
            let _ = write!(html, "<li><b>{}</b>: {}</li>", escape(name), escape(reason));
        }
        html += "</ul></section>\n";
    }
    for (model, name, details) in &report.details {
        html += &detail(model, name, details);
    }
    html + "</body></html>\n"
}

fn legend(report: &BenchmarkReport) -> String {
    let mut html = String::from("<p class=\"legend\">");
    for (number, model) in report.models.iter().enumerate() {
        let _ = write!(
            html,
            "<span><i style=\"background:{}\"></i>{}</span>",
            colour(number),
            escape(model)
        );
    }
    html + "<span><i class=\"dot\"></i>zero-shot</span><span><i class=\"ring\"></i>linear probe</span>\
            <span><i class=\"chance\"></i>chance</span></p>\n"
}

fn detail(model: &str, name: &str, details: &Details) -> String {
    let title = dataset(name).map_or(name, |dataset| dataset.title.as_str());
    let mut html = format!(
        "<section><h2>{}: {} by language alone</h2>\n<p>Expected calibration error {:.1} points. The \
         hardest classes:</p>\n<table><thead><tr><th>class</th><th class=\"n\">recognised</th>\
         <th class=\"n\">images</th><th>taken for</th></tr></thead><tbody>\n",
        escape(title),
        escape(model),
        100.0 * details.calibration_error
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
    html += "</tbody></table>\n<div class=\"examples\">";
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
    html + "</div></section>\n"
}
