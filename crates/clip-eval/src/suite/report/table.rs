//! Every number.

use std::fmt::Write;

use super::BenchmarkReport;
use crate::dataset;
use crate::markup::escape;

/// A line for each data set and task, columns for models.
pub fn draw(report: &BenchmarkReport) -> String {
    let mut html = String::from("<table><thead><tr><th>data set</th><th>task</th><th>metric</th>");
    for model in &report.models {
        let _ = write!(html, "<th class=\"n\">{}</th>", escape(model));
    }
    html += "<th class=\"n\">chance</th><th class=\"n\">images</th></tr></thead><tbody>\n";
    for name in report.datasets() {
        let mut tasks: Vec<&str> = Vec::new();
        for row in report.rows.iter().filter(|row| row.evaluation.dataset == name) {
            if !tasks.contains(&row.evaluation.task.as_str()) {
                tasks.push(&row.evaluation.task);
            }
        }
        for task in tasks {
            html += &line(report, name, task);
        }
    }
    html + "</tbody></table>\n"
}

fn line(report: &BenchmarkReport, name: &str, task: &str) -> String {
    let title = dataset(name).map_or(name, |dataset| dataset.title.as_str());
    let rows: Vec<_> = report.models.iter().map(|model| report.find(model, name, task)).collect();
    let Some(any) = rows.iter().flatten().next() else { return String::new() };
    let e = &any.evaluation;
    let mut html = format!(
        "<tr><td>{}</td><td>{}</td><td>{}</td>",
        escape(title),
        task.replace('_', " "),
        e.metric.replace('_', " ")
    );
    for row in rows {
        html += &row.map_or("<td class=\"n\">–</td>".to_owned(), |row| {
            let (e, percent) = (&row.evaluation, |share: f64| 100.0 * share);
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
    let _ = writeln!(
        html,
        "<td class=\"n\">{:.1}</td><td class=\"n\">{}</td></tr>",
        100.0 * e.chance,
        e.n
    );
    html
}
