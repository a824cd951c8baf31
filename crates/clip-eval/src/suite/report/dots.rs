//! All data sets in one picture.

use super::svg::{GREY, PALE, colour, line, mark, name, picture, text};
use super::{BenchmarkReport, MARKED};
use crate::Evaluation;

const LEFT: f64 = 210.0;
const WIDTH: f64 = 560.0;
const TOP: f64 = 34.0;

/// Results from 0 to 100 percent, a band for each data set and a line for each model. Nothing where
/// there are none.
pub fn draw(report: &BenchmarkReport) -> String {
    let models = report.models.len().max(1) as f64;
    let band = 12.0 + 13.0 * models;
    let mut datasets = report.datasets();
    datasets
        .retain(|dataset| report.results(dataset).iter().any(|(task, _)| MARKED.contains(task)));
    if datasets.is_empty() {
        return String::new();
    }
    let bottom = TOP + band * datasets.len() as f64;
    let x = |share: f64| LEFT + WIDTH * share;
    let mut content = String::new();
    for tick in 0..=5 {
        let share = f64::from(tick) / 5.0;
        content += &line([x(share), TOP], [x(share), bottom], PALE, 1.0);
        content += &text(x(share), TOP - 10.0, "middle", "tick", &format!("{:.0}%", 100.0 * share));
    }
    for (number, dataset) in datasets.iter().enumerate() {
        let top = TOP + band * number as f64;
        content += &line([LEFT, top], [LEFT + WIDTH, top], PALE, 1.0);
        content += &name(LEFT - 14.0, top + band / 2.0 + 4.0, dataset);
        let is_shown = |e: &Evaluation| e.dataset == *dataset && MARKED.contains(&e.task.as_str());
        if let Some(row) = report.rows.iter().find(|row| is_shown(&row.evaluation)) {
            let at = x(row.evaluation.chance);
            content += &line([at, top + 3.0], [at, top + band - 3.0], GREY, 1.5);
        }
        for (number, model) in report.models.iter().enumerate() {
            let y = top + 12.5 + 13.0 * number as f64;
            for task in MARKED {
                if let Some(row) = report.find(model, dataset, task) {
                    let e = &row.evaluation;
                    content += &line([x(e.low), y], [x(e.high), y], colour(number), 2.0);
                    content +=
                        &mark([x(e.value), y], task == "zero_shot", colour(number), &tip(model, e));
                }
            }
        }
    }
    content += &line([LEFT, bottom], [LEFT + WIDTH, bottom], PALE, 1.0);
    picture(LEFT + WIDTH + 30.0, bottom + 10.0, "results by data set", &content)
}

fn tip(model: &str, e: &Evaluation) -> String {
    let percent = |share: f64| 100.0 * share;
    format!(
        "{model}, {}: {:.1}% ({:.1} to {:.1})",
        e.task.replace('_', " "),
        percent(e.value),
        percent(e.low),
        percent(e.high)
    )
}
