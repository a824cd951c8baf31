//! Results against chance: each score a dot with its interval, on one scale for the whole table.

use super::axis::Axis;
use super::markup::escape;
use super::number;
use clip_eval::Evaluation;

/// The row of the latest step for each task, dataset and metric, in order of first appearance.
pub(super) fn latest(rows: &[Evaluation]) -> Vec<&Evaluation> {
    let mut kept: Vec<&Evaluation> = Vec::new();
    for row in rows {
        match kept.iter_mut().find(|old| subject(old) == subject(row)) {
            Some(old) if old.step <= row.step => *old = row,
            Some(_) => {}
            None => kept.push(row),
        }
    }
    kept
}

fn subject(row: &Evaluation) -> (&str, &str, &str) {
    (&row.task, &row.dataset, &row.metric)
}

/// The table, one body a group of rows about the same test.
pub(super) fn render(rows: &[&Evaluation]) -> String {
    if rows.is_empty() {
        return "<p class=\"empty\">No evaluation was run.</p>\n".to_owned();
    }
    let axis = scale(rows);
    let bodies: String = groups(rows).iter().map(|group| body(group, &axis)).collect();
    format!(
        "<p>Dot: score. Line through it: 95% interval. Dashed: chance.</p>\n\
         <table class=\"results\">\n<thead><tr><th scope=\"col\">Metric</th>\
         <th scope=\"col\" class=\"number\">Score</th>\
         <th scope=\"col\" class=\"graphic\">{}</th>\
         <th scope=\"col\" class=\"number\">95% interval</th>\
         <th scope=\"col\" class=\"number\">Chance</th>\
         <th scope=\"col\" class=\"number\">Times chance</th></tr></thead>\n{bodies}</table>\n",
        scale_labels(&axis),
    )
}

/// From zero to a round value above every interval, so that small scores can be seen too.
fn scale(rows: &[&Evaluation]) -> Axis {
    let ends = rows.iter().flat_map(|r| [r.value, r.high, r.chance]);
    let high = ends.filter(|v| v.is_finite()).fold(0.0, f64::max).min(1.0);
    Axis::covering(0.0, high, 4)
}

fn groups<'a>(rows: &[&'a Evaluation]) -> Vec<Vec<&'a Evaluation>> {
    let test = |r: &'a Evaluation| (&r.task, &r.dataset, r.n, r.classes, r.step);
    let mut groups: Vec<Vec<&Evaluation>> = Vec::new();
    for &row in rows {
        match groups.iter_mut().find(|g| g.first().is_some_and(|first| test(first) == test(row))) {
            Some(group) => group.push(row),
            None => groups.push(vec![row]),
        }
    }
    groups
}

fn body(group: &[&Evaluation], axis: &Axis) -> String {
    let heading = group.first().map(|row| heading(row)).unwrap_or_default();
    let rows: String = group.iter().map(|row| line(row, axis)).collect();
    format!("<tbody>\n{heading}{rows}</tbody>\n")
}

fn heading(row: &Evaluation) -> String {
    let (cases, answers) = match row.task.as_str() {
        "text_to_image" => ("captions", "images to choose from"),
        "image_to_text" => ("images", "captions to choose from"),
        _ => ("images", "classes"),
    };
    format!(
        "<tr class=\"group\"><th scope=\"rowgroup\" colspan=\"6\">{} <b>{}</b> \
         <span>{} {cases}, {} {answers}, step {}</span></th></tr>\n",
        escape(&task_name(&row.task)),
        escape(&row.dataset),
        number::count(row.n as u64),
        number::count(row.classes as u64),
        number::count(row.step),
    )
}

fn task_name(task: &str) -> String {
    match task {
        "zero_shot" => "Zero-shot classification of".to_owned(),
        "image_to_text" => "Captions found by image in".to_owned(),
        "text_to_image" => "Images found by caption in".to_owned(),
        "linear_probe" => "Linear probe on".to_owned(),
        "few_shot" => "Few-shot classification of".to_owned(),
        other => format!("{}:", other.replace('_', " ")),
    }
}

fn metric_name(metric: &str) -> String {
    match metric.strip_prefix("top") {
        Some(k) if k.parse::<u32>().is_ok() => format!("Top {k}"),
        _ => metric.replace("recall@", "Recall at "),
    }
}

fn line(row: &Evaluation, axis: &Axis) -> String {
    let ratio = row.value / row.chance;
    let factor =
        if ratio.is_finite() { number::factor(ratio) + "×" } else { number::factor(ratio) };
    format!(
        "<tr><th scope=\"row\">{}</th><td class=\"number score\">{}</td>\
         <td class=\"graphic\">{}</td>\
         <td class=\"number\" data-label=\"95% interval\">{}</td>\
         <td class=\"number\" data-label=\"Chance\">{}</td>\
         <td class=\"number\" data-label=\"Times chance\">{factor}</td></tr>\n",
        escape(&metric_name(&row.metric)),
        number::percent(row.value),
        graphic(row, axis),
        number::interval(row.low, row.high),
        number::percent(row.chance),
    )
}

/// Decoration: the numbers beside it say the same, so readers by ear are spared it.
fn graphic(row: &Evaluation, axis: &Axis) -> String {
    let rules: String = axis.ticks.iter().map(|v| upright("rule", *v, axis)).collect();
    let chance = finite(row.chance).map(|v| upright("chance", v, axis)).unwrap_or_default();
    format!(
        "<svg class=\"whisker\" aria-hidden=\"true\">{rules}{chance}{}{}</svg>",
        whisker(row, axis),
        dot(row, axis),
    )
}

fn upright(class: &str, value: f64, axis: &Axis) -> String {
    let x = place(value, axis);
    format!("<line class=\"{class}\" x1=\"{x}\" x2=\"{x}\" y1=\"0\" y2=\"100%\"/>")
}

fn whisker(row: &Evaluation, axis: &Axis) -> String {
    let (Some(low), Some(high)) = (finite(row.low), finite(row.high)) else {
        return String::new();
    };
    let (x1, x2) = (place(low, axis), place(high, axis));
    format!("<line class=\"interval\" x1=\"{x1}\" x2=\"{x2}\" y1=\"50%\" y2=\"50%\"/>")
}

fn dot(row: &Evaluation, axis: &Axis) -> String {
    finite(row.value)
        .map(|v| format!("<circle cx=\"{}\" cy=\"50%\" r=\"4\"/>", place(v, axis)))
        .unwrap_or_default()
}

fn scale_labels(axis: &Axis) -> String {
    let label = |value: &f64| {
        let (x, value) = (place(*value, axis), number::tick(*value * 100.0, axis.step * 100.0));
        format!("<text x=\"{x}\" y=\"100%\" dy=\"-6\" text-anchor=\"middle\">{value}%</text>")
    };
    let labels: String = axis.ticks.iter().map(label).collect();
    format!("<svg class=\"scale\" role=\"img\" aria-label=\"Score, drawn\">{labels}</svg>")
}

fn finite(value: f64) -> Option<f64> {
    value.is_finite().then(|| value.clamp(0.0, 1.0))
}

fn place(value: f64, axis: &Axis) -> String {
    format!("{:.2}%", axis.place(value) * 100.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(step: u64, metric: &str, value: f64) -> Evaluation {
        Evaluation {
            step,
            task: "image_to_text".into(),
            dataset: "fluent".into(),
            metric: metric.into(),
            value,
            low: value * 0.9,
            high: (value * 1.1).min(1.0),
            chance: 0.001,
            n: 1594,
            classes: 1000,
        }
    }

    #[test]
    fn only_the_latest_step_is_shown() {
        let rows = [
            row(200, "recall@1", 0.3),
            row(100, "recall@1", 0.1),
            row(100, "recall@5", 0.4),
            row(200, "recall@5", 0.5),
        ];
        let shown: Vec<f64> = latest(&rows).iter().map(|r| r.value).collect();
        assert_eq!(shown, [0.3, 0.5]);
    }

    #[test]
    fn rows_of_one_test_share_a_heading() {
        let rows = [row(1, "recall@1", 0.3), row(1, "recall@5", 0.5)];
        let html = render(&latest(&rows));
        assert_eq!(html.matches("<tbody>").count(), 1);
        assert!(html.contains("1,594 images, 1,000 captions to choose from, step 1"));
        assert!(html.contains("Recall at 1") && html.contains(">300×<"));
    }

    #[test]
    fn none_and_all_stay_on_the_scale() {
        let rows = [row(1, "recall@1", 0.0), row(1, "recall@5", 1.0)];
        let html = render(&latest(&rows));
        assert!(html.contains(">0%<") && html.contains(">100%<"));
        assert!(html.contains("cx=\"0.00%\"") && html.contains("cx=\"100.00%\""));
    }

    #[test]
    fn missing_numbers_are_dashes_and_draw_nothing() {
        let mut bad = row(1, "recall@1", f64::NAN);
        (bad.low, bad.high, bad.chance) = (f64::NAN, f64::NAN, 0.0);
        let html = render(&[&bad]);
        assert!(html.contains("—") && !html.contains("NaN") && !html.contains("<circle"));
    }

    #[test]
    fn unknown_names_are_shown_as_they_are() {
        assert_eq!(task_name("odd_one"), "odd one:");
        assert_eq!([metric_name("top5"), metric_name("topology")], ["Top 5", "topology"]);
    }
}
