//! The paper's figure 6: how many examples language is worth.

use super::BenchmarkReport;
use super::svg::{PALE, colour, line, mark, picture, text};
use crate::SHOTS;

const LEFT: f64 = 60.0;
const WIDTH: f64 = 520.0;
const TOP: f64 = 16.0;
const HEIGHT: f64 = 260.0;

/// Mean results over the data sets that every model has been measured on with every number of
/// examples. Nothing where there are none.
pub fn draw(report: &BenchmarkReport) -> String {
    let tasks: Vec<String> = SHOTS.iter().map(|shots| format!("few_shot_{shots}")).collect();
    let has_all = |name: &&str| {
        report.models.iter().all(|m| tasks.iter().all(|task| report.find(m, name, task).is_some()))
    };
    let datasets: Vec<&str> = report.datasets().into_iter().filter(has_all).collect();
    let mean = |model: &str, task: &str| {
        let values: Option<Vec<f64>> = datasets
            .iter()
            .map(|name| report.find(model, name, task).map(|row| row.evaluation.value))
            .collect();
        values.map(|values| values.iter().sum::<f64>() / values.len() as f64)
    };
    if datasets.is_empty() {
        return String::new();
    }
    let y = |share: f64| TOP + HEIGHT * (1.0 - share);
    let x = |place: usize| LEFT + 30.0 + (WIDTH - 60.0) * place as f64 / SHOTS.len() as f64;
    let mut content = String::new();
    for tick in 0..=5 {
        let share = f64::from(tick) / 5.0;
        content += &line([LEFT, y(share)], [LEFT + WIDTH, y(share)], PALE, 1.0);
        content +=
            &text(LEFT - 8.0, y(share) + 4.0, "end", "tick", &format!("{:.0}%", 100.0 * share));
    }
    for (place, label) in [0].iter().chain(&SHOTS).enumerate() {
        content += &text(x(place), TOP + HEIGHT + 20.0, "middle", "tick", &label.to_string());
    }
    let title = format!("examples of each class (mean of {} data sets)", datasets.len());
    content += &text(LEFT + WIDTH / 2.0, TOP + HEIGHT + 42.0, "middle", "tick", &title);
    for (number, model) in report.models.iter().enumerate() {
        let points: Vec<[f64; 2]> = tasks
            .iter()
            .enumerate()
            .filter_map(|(place, task)| Some([x(place + 1), y(mean(model, task)?)]))
            .collect();
        for pair in points.windows(2) {
            content += &line(pair[0], pair[1], colour(number), 2.0);
        }
        for point in points {
            content += &mark(point, false, colour(number), model);
        }
        if let Some(value) = mean(model, "zero_shot") {
            content += &mark([x(0), y(value)], true, colour(number), model);
        }
    }
    picture(LEFT + WIDTH + 20.0, TOP + HEIGHT + 54.0, "few-shot learning", &content)
}
