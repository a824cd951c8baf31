//! What an evaluation is about, and its name.

use clip_eval::Evaluation;

/// Task, dataset and metric: rows that agree in these can be compared.
pub(super) fn subject(row: &Evaluation) -> (&str, &str, &str) {
    (&row.task, &row.dataset, &row.metric)
}

/// The row of the latest step for each subject, in order of first appearance.
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

/// Whether the value is a share of right answers; otherwise it is a loss in nats, the less the
/// better.
pub(super) fn is_share(row: &Evaluation) -> bool {
    row.metric != "loss"
}

/// The task, as a phrase that the dataset's name completes.
pub(super) fn task_name(task: &str) -> String {
    match task {
        "zero_shot" => "Zero-shot classification of".to_owned(),
        "image_to_text" => "Captions found by image in".to_owned(),
        "text_to_image" => "Images found by caption in".to_owned(),
        "linear_probe" => "Linear probe on".to_owned(),
        "few_shot" => "Few-shot classification of".to_owned(),
        other => format!("{}:", other.replace('_', " ")),
    }
}

/// The metric as a row heading.
pub(super) fn metric_name(metric: &str) -> String {
    match metric.strip_prefix("top") {
        Some(k) if k.parse::<u32>().is_ok() => format!("Top {k}"),
        _ => metric.replace("recall@", "Recall at "),
    }
}

/// Everything about a row but its numbers, as a heading of its own.
pub(super) fn heading(row: &Evaluation) -> String {
    match (row.task.as_str(), row.metric.as_str()) {
        ("held_out", "loss") => format!("Loss on held-out {}, nats", row.dataset),
        (task, "loss") => format!("{} {}: loss, nats", task_name(task), row.dataset),
        (task, metric) => {
            format!("{}, {} {}", metric_name(metric), lower(&task_name(task)), row.dataset)
        }
    }
}

fn lower(phrase: &str) -> String {
    let mut letters = phrase.chars();
    letters.next().map_or_else(String::new, |first| first.to_lowercase().chain(letters).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::tests::score;

    #[test]
    fn only_the_latest_step_is_shown() {
        let rows = [
            score(200, "recall@1", 0.3),
            score(100, "recall@1", 0.1),
            score(100, "recall@5", 0.4),
            score(200, "recall@5", 0.5),
        ];
        let shown: Vec<f64> = latest(&rows).iter().map(|r| r.value).collect();
        assert_eq!(shown, [0.3, 0.5]);
    }

    #[test]
    fn unknown_names_are_shown_as_they_are() {
        assert_eq!(task_name("odd_one"), "odd one:");
        assert_eq!([metric_name("top5"), metric_name("topology")], ["Top 5", "topology"]);
    }

    #[test]
    fn a_heading_says_what_was_measured_on_what() {
        let row = score(1, "recall@1", 0.3);
        assert_eq!(heading(&row), "Recall at 1, captions found by image in fluent");
        let loss = Evaluation { task: "held_out".into(), metric: "loss".into(), ..row };
        assert_eq!(heading(&loss), "Loss on held-out fluent, nats");
        assert!(!is_share(&loss));
        let odd = Evaluation { task: "odd".into(), ..loss };
        assert_eq!(heading(&odd), "odd: fluent: loss, nats");
    }
}
