//! A report of made-up results.

use super::page::render;
use super::*;
use crate::{ConfusionMatrix, Evaluation, Prediction, SHOTS, Shown};

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
fn every_metric_of_a_task_has_a_line() {
    let mut report = report();
    for (within, value) in [("1km", 0.139), ("25km", 0.329)] {
        let mut row = row("effnet", "im2gps", "geolocation", value);
        row.evaluation.metric = format!("within_{within}");
        report.rows.push(row);
    }
    let html = render(&report);
    assert!(html.contains("within 1km") && html.contains("<b>13.9</b>"));
    assert!(html.contains("within 25km") && html.contains("<b>32.9</b>"));
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
        "<section id=\"dataset-mnist\">",
        "10 classes</span><span>metric: top1</span><span>licence: CC-BY-SA-3.0</span>",
        "<td class=\"task\">few shot 16<br><small>top1</small></td>",
    ] {
        assert!(html.contains(part), "{part}");
    }
    assert!(!html.contains("a <b>") && !html.contains("http"));
    let pictures = html.matches("<svg").count();
    assert_eq!((pictures, html.matches("</svg>").count()), (3, 3));
}

/// Results of two models and a baseline on ImageNet and, but for the baseline's last, two shifts of it.
fn robust() -> BenchmarkReport {
    let mut report = BenchmarkReport::default();
    for (model, task, values) in [
        ("clip", "zero_shot", [0.6, 0.55, 0.45]),
        ("clip", "linear_probe", [0.7, 0.5, 0.4]),
        ("effnet", "linear_probe", [0.8, 0.6, 0.5]),
    ] {
        for (dataset, value) in ["imagenet", "imagenet_v2", "imagenet_a"].iter().zip(values) {
            report.rows.push(row(model, dataset, task, value));
        }
    }
    report.rows.pop();
    report.models = vec!["clip".into(), "effnet".into()];
    report
}

const SHIFT: &str = "What holds under distribution shift";

#[test]
fn robustness_is_shown_on_the_shifts_that_all_were_measured_on() {
    let html = render(&robust());
    assert!(html.contains(SHIFT) && html.contains("measured on: ImageNet V2."));
    assert!(html.contains("clip, zero shot: ImageNet 60.0% (58.0 to 62.0), shifts 55.0%"));
    // The probes' line is at odds of 1 and 3/2 where ImageNet has 7/3 and 4; the model by language alone
    // has odds of 3/2.
    let slope = 1.5f64.ln() / (12.0f64 / 7.0).ln();
    let odds = (slope * (4.5f64 / 7.0).ln()).exp();
    let rho = 100.0 * (0.55 - odds / (1.0 + odds));
    assert!(rho > 0.0 && html.contains(&format!("<b>{rho:+.1}</b>")), "{rho}");
    assert!(html.contains("<b>+0.0</b>") || html.contains("<b>-0.0</b>"));
}

#[test]
fn one_probe_makes_no_line_and_no_shift_no_picture() {
    let mut report = robust();
    report.rows.retain(|row| row.model == "clip");
    let html = render(&report);
    assert!(html.contains(SHIFT) && html.contains("measured on: ImageNet V2, ImageNet-A."));
    assert!(!html.contains("ffective robustness") && !html.contains("through the linear probes"));
    let mut no_shift = report.clone();
    no_shift.rows.retain(|row| row.evaluation.dataset == "imagenet");
    assert!(!render(&no_shift).contains(SHIFT));
    report.rows.retain(|row| row.evaluation.dataset != "imagenet");
    assert!(!render(&report).contains(SHIFT));
}

#[test]
fn a_data_set_has_a_page_with_what_is_behind_its_results() {
    let mut report = report();
    let names: Vec<String> = (0..10).map(|digit| format!("digit {digit} <")).collect();
    let as_seven = |label| Prediction { label, rank: 1, guesses: vec![(7, 0.5)] };
    let confusion = ConfusionMatrix::new(&(0..7).map(as_seven).collect::<Vec<_>>(), &names);
    let (truth, guess) = (names[0].clone(), names[7].clone());
    let details = Details {
        hardest: confusion.per_class().into_iter().take(2).collect(),
        examples: vec![Shown { png: "iVBO".into(), truth, guess, probability: 0.5 }],
        calibration_error: 0.25,
        confusion: Some(confusion),
    };
    for model in ["a <b>", "effnet"] {
        report.details.push((model.into(), "mnist".into(), details.clone()));
    }
    let html = render(&report);
    assert!(!html.contains("http") && !html.contains("digit 0 <<"));
    let page = html.split("<section id=\"dataset-mnist\">").nth(1).unwrap();
    assert_eq!(page.matches("aria-label=\"confusion matrix\"").count(), 2);
    assert_eq!((page.matches("<details open>").count(), page.matches("<details>").count()), (1, 1));
    for part in [
        "yann.lecun.com/exdb/mnist",
        "</i>a &lt;b&gt; by language alone</summary>",
        "calibration error 25.0 points",
        "<td>digit 1 &lt;</td><td class=\"n\"><b>0.0%</b>",
        "digit 0 &lt; as digit 7 &lt;: 1 of 1 (100.0%)",
        "<figure class=\"wrong\">",
        "href=\"#top\"",
    ] {
        assert!(page.contains(part), "{part}");
    }
    // From the dots, the figure of gaps and the table.
    assert_eq!(html.matches("<a href=\"#dataset-mnist\">").count(), 3);
}

#[test]
fn results_of_any_task_are_on_the_page_of_their_data_set() {
    let mut report = BenchmarkReport { models: vec!["clip".into()], ..Default::default() };
    for (metric, value) in [("recall@1", 0.31), ("recall@5", 0.52)] {
        let mut row = row("clip", "flickr30k", "image_to_text", value);
        row.evaluation.metric = metric.into();
        report.rows.push(row);
    }
    report.rows.push(row("clip", "unheard of", "text_score", 0.73));
    let html = render(&report);
    let (overview, pages) = html.split_at(html.find("<section id=").unwrap());
    assert!(overview.contains("<b>31.0</b>") && !overview.contains("<b>52.0</b>"));
    for value in ["<b>31.0</b>", "<b>52.0</b>", "<b>73.0</b>"] {
        assert!(pages.contains(value), "{value}");
    }
    assert!(pages.contains("1000 answers to choose from") && pages.contains("<h2>unheard of</h2>"));
    assert!(!html.contains("<svg"));
}

#[test]
fn what_was_not_measured_is_no_picture() {
    let mut report = report();
    report.rows.truncate(1);
    let html = render(&report);
    assert_eq!(html.matches("<svg").count(), 1);
    assert!(html.contains("<td class=\"n\">–</td>"));
}
