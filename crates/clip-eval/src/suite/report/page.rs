use std::fmt::Write;

use super::svg::swatch;
use super::{BenchmarkReport, datasets, dots, few, gap, overlap, robust, table};
use crate::markup::escape;

/// The whole page.
pub fn render(report: &BenchmarkReport) -> String {
    let mut html = format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <title>Benchmark</title>\n<style>{}</style></head><body>\n\
         <h1 id=\"top\">What the models can do</h1>\n",
        include_str!("style.css")
    );
    html += &legend(report);
    html += &section("By data set", "", &dots::draw(report));
    for baseline in &report.baselines {
        for (number, model) in report.models.iter().enumerate() {
            html += &section(
                &format!("{model} by language alone, against a probe on {baseline}"),
                "<p>Points that the zero-shot model is above (right) or below (left) a linear probe \
                 that is fitted to all labelled images, on features of a supervised network: the \
                 paper's figure 5.</p>\n",
                &gap::draw(report, number, model, baseline),
            );
        }
    }
    html += &section(
        "What few examples teach",
        "<p>Linear probes on so many images of each class, drawn three times; at 0 the model by \
         language alone.</p>\n",
        &few::draw(report),
    );
    html += &section("What holds under distribution shift", "", &robust::draw(report));
    html += &section(
        "Results",
        "<p>Percent, with 95% intervals (Wilson's for top1, bootstrap for the other metrics; of \
         few-shot results the lowest and highest of three draws). What else was measured is on the \
         pages of the data sets, below.</p>\n",
        &table::overview(report),
    );
    html += &overlap::draw(report);
    if !report.absent.is_empty() {
        html += "<section><h2>Not measured</h2>\n<ul class=\"absent\">";
        for (name, reason) in &report.absent {
            let _ = write!(html, "<li><b>{}</b>: {}</li>", escape(name), escape(reason));
        }
        html += "</ul></section>\n";
    }
    html += &datasets::draw(report);
    html + "</body></html>\n"
}

/// Nothing where there is no content.
fn section(title: &str, words: &str, content: &str) -> String {
    match content {
        "" => String::new(),
        _ => format!("<section><h2>{}</h2>\n{words}{content}</section>\n", escape(title)),
    }
}

fn legend(report: &BenchmarkReport) -> String {
    let mut html = String::from("<p class=\"legend\">");
    for (number, model) in report.models.iter().enumerate() {
        let _ = write!(html, "<span>{}{}</span>", swatch(number), escape(model));
    }
    html + "<span><i class=\"dot\"></i>zero-shot</span><span><i class=\"ring\"></i>linear probe</span>\
            <span><i class=\"chance\"></i>chance</span></p>\n"
}
