//! A report of made-up results.

use super::page::render;
use super::*;
use crate::{Evaluation, SHOTS};

fn row(model: &str, dataset: &str, task: &str, value: f64) -> Row {
    Row {
        model: model.into(),
        evaluation: Evaluation {
            step: 0,
            task: task.into(),
            dataset: dataset.into(),
            metric: "top1".into(),
            value,
            low: value - 0.02,
            high: value + 0.02,
            chance: 0.1,
            n: 10_000,
            classes: 10,
        },
        published: Some(0.884),
    }
}

fn report() -> BenchmarkReport {
    let mut rows = vec![
        row("a <b>", "mnist", "zero_shot", 0.4),
        row("a <b>", "mnist", "linear_probe", 0.9),
        row("effnet", "mnist", "linear_probe", 0.95),
    ];
    for model in ["a <b>", "effnet"] {
        rows.extend(SHOTS.map(|k| row(model, "mnist", &format!("few_shot_{k}"), 0.5)));
    }
    BenchmarkReport {
        rows,
        absent: vec![("cars".into(), "not there: put it into data/cars".into())],
        models: vec!["a <b>".into(), "effnet".into()],
        baselines: vec!["effnet".into()],
        ..BenchmarkReport::default()
    }
}

#[test]
fn every_part_is_there_and_well_formed() {
    let html = render(&report());
    for part in [
        "a &lt;b&gt;",
        "<b>40.0</b><br><small>38.0 to 42.0</small><br><small>published 88.4</small>",
        "-55.0",
        "What few examples teach",
        "not there: put it into data/cars",
        "mean of 1 data sets",
    ] {
        assert!(html.contains(part), "{part}");
    }
    assert!(!html.contains("a <b>") && !html.contains("http"));
    let pictures = html.matches("<svg").count();
    assert_eq!((pictures, html.matches("</svg>").count()), (3, 3));
}

#[test]
fn what_was_not_measured_is_no_picture() {
    let mut report = report();
    report.rows.truncate(1);
    let html = render(&report);
    assert_eq!(html.matches("<svg").count(), 1);
    assert!(html.contains("<td class=\"n\">–</td>"));
}
