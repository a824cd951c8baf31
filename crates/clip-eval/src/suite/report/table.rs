//! Every number.

use std::fmt::Write;

use super::{BenchmarkReport, anchor, title};
use crate::Evaluation;
use crate::markup::escape;

/// A line for each data set and task, columns for models. Results of few examples have a curve: they
/// are only here where a data set has no others.
pub fn overview(report: &BenchmarkReport) -> String {
    let mut html = head(report, "<th>data set</th>");
    for name in report.datasets() {
        let mut results = report.results(name);
        // The first result of a task is its main one.
        let mut tasks = Vec::new();
        results.retain(|(task, _)| {
            let is_first = !tasks.contains(task);
            tasks.push(*task);
            is_first
        });
        let is_few_shot = |(task, _): &(&str, &str)| task.starts_with("few_shot_");
        if !results.iter().all(is_few_shot) {
            results.retain(|result| !is_few_shot(result));
        }
        for (place, result) in results.into_iter().enumerate() {
            // A data set is named once.
            let link = match place {
                0 => format!("<a href=\"#{}\">{}</a>", anchor(name), escape(title(name))),
                _ => String::new(),
            };
            html += &line(report, name, result, &format!("<td>{link}</td>"));
        }
    }
    html + "</tbody></table>\n"
}

/// Every result on a data set, a line for each task and metric.
pub fn of(report: &BenchmarkReport, name: &str) -> String {
    let lines = report.results(name).into_iter().map(|result| line(report, name, result, ""));
    head(report, "") + &lines.collect::<String>() + "</tbody></table>\n"
}

fn head(report: &BenchmarkReport, first: &str) -> String {
    let mut html = format!("<table><thead><tr>{first}<th>task</th>");
    for model in &report.models {
        let _ = write!(html, "<th class=\"n\">{}</th>", escape(model));
    }
    html + "<th class=\"n\">chance</th><th class=\"n\">images</th></tr></thead><tbody>\n"
}

fn line(report: &BenchmarkReport, name: &str, (task, metric): (&str, &str), first: &str) -> String {
    let is_of = |e: &Evaluation| e.dataset == name && e.task == task && e.metric == metric;
    let rows = report.rows.iter().filter(|row| is_of(&row.evaluation));
    let rows: Vec<_> = rows.collect();
    let Some(any) = rows.first() else { return String::new() };
    let mut html = format!(
        "<tr>{first}<td class=\"task\">{}<br><small>{}</small></td>",
        escape(&task.replace('_', " ")),
        escape(&metric.replace('_', " "))
    );
    let percent = |share: f64| 100.0 * share;
    for model in &report.models {
        let row = rows.iter().find(|row| row.model == *model);
        html += &row.map_or("<td class=\"n\">–</td>".to_owned(), |row| {
            let e = &row.evaluation;
            let published = row.published.map_or(String::new(), |value| {
                format!("<br><small>published {:.1}</small>", percent(value))
            });
            format!(
                "<td class=\"n\"><b>{:.1}</b><br><small>{:.1} to {:.1}</small>{published}</td>",
                percent(e.value),
                percent(e.low),
                percent(e.high)
            )
        });
    }
    let e = &any.evaluation;
    let _ = writeln!(
        html,
        "<td class=\"n\">{:.1}</td><td class=\"n\">{}</td></tr>",
        percent(e.chance),
        e.n
    );
    html
}
