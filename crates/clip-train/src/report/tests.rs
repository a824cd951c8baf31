//! The page as a whole, and samples for the tests of its parts.

use super::*;
use clip_eval::Evaluation;

/// A healthy step, but for its loss.
pub(super) fn step(step: u64, loss: f64) -> StepMetrics {
    StepMetrics {
        step,
        loss,
        logit_scale: 14.3,
        lr: 1e-3,
        pairs_per_second: 900.0,
        gradient_norm: 1.0,
        parameter_norm: 20.0,
        data_wait: 0.1,
        memory: 700.0,
        epoch: 0,
        skipped: !loss.is_finite(),
    }
}

/// An evaluation by images of 1,594 of them.
pub(super) fn score(step: u64, metric: &str, value: f64) -> Evaluation {
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

/// A run that came to nothing.
pub(super) fn empty() -> Report<'static> {
    Report {
        title: "Nothing",
        name: "nothing",
        facts: &[],
        batch: None,
        history: &[],
        evaluations: &[],
        examples: &[],
        others: &[],
    }
}

/// Every element that needs a closing tag has one.
fn assert_balanced(html: &str) {
    let body = html.split_once("</style>").unwrap().1;
    for tag in [
        "svg", "g", "title", "table", "thead", "tbody", "tr", "th", "td", "figure", "section",
        "article", "dl", "div", "ol", "ul", "li", "p", "text", "span", "small", "b", "i", "main",
        "html",
    ] {
        let starts = ["<{} ", "<{}>"].map(|form| form.replace("{}", tag));
        let opened: usize = starts.iter().map(|s| html_count(html, body, tag, s)).sum();
        assert_eq!(opened, body.matches(&format!("</{tag}>")).count(), "<{tag}>");
    }
}

fn html_count(html: &str, body: &str, tag: &str, start: &str) -> usize {
    // `<html>` opens before the style sheet.
    if tag == "html" { html.matches(start).count() } else { body.matches(start).count() }
}

#[test]
fn an_empty_run_is_a_page() {
    let html = render(&empty());
    assert!(html.contains("No step had a finite loss and no evaluation was run."));
    assert_balanced(&html);
}

#[test]
fn a_full_run_is_a_page() {
    let history = history(500);
    let evaluation = Evaluation {
        step: 500,
        task: "zero_shot".into(),
        dataset: "digits".into(),
        metric: "top1".into(),
        value: 0.62,
        low: 0.52,
        high: 0.71,
        chance: 0.1,
        n: 100,
        classes: 10,
    };
    let example = Example {
        png: vec![0; 10],
        truth: "seven".into(),
        guesses: vec![("seven".into(), 0.9)],
        rank: 1,
    };
    let html = render(&Report {
        facts: &[("Device".into(), "cpu".into())],
        batch: Some(1024),
        history: &history,
        evaluations: &[evaluation],
        examples: &[example],
        ..empty()
    });
    assert!(html.contains("Names about 6 in 10 of the digits images right, out of 10 names"));
    assert!(html.contains("guessing among 1,024: 6.93"));
    assert!(!html.contains("NaN") && !html.contains("<script"));
    assert_balanced(&html);
}

#[test]
fn failed_steps_are_counted() {
    let history = [step(1, 6.9), step(2, f64::NAN), step(3, 6.5)];
    let html = render(&Report { history: &history, ..empty() });
    assert!(html.contains("1 of 3 steps had no finite loss or gradient"));
    assert!(html.contains("The loss went from 6.90 to 6.50 by step 3;"));
    assert!(!html.contains("NaN"));
    assert_balanced(&html);
}

#[test]
fn text_from_outside_cannot_become_markup() {
    let bad = "</style><script>alert('x')</script>";
    let facts = [(bad.to_owned(), bad.to_owned())];
    let example =
        Example { png: vec![], truth: bad.into(), guesses: vec![(bad.into(), 0.5)], rank: 9 };
    let scores = [1, 2].map(|step| Evaluation { dataset: bad.into(), ..score(step, bad, 0.5) });
    let html = render(&Report {
        title: bad,
        name: bad,
        facts: &facts,
        history: &history(2),
        evaluations: &scores,
        examples: &[example],
        others: &[OtherRun { name: bad, history: &history(2), evaluations: &scores }],
        ..empty()
    });
    assert!(!html.contains("<script"));
    assert_eq!(html.matches("</style>").count(), 1);
    assert_balanced(&html);
}

fn history(steps: u64) -> Vec<StepMetrics> {
    (1..=steps).map(|i| step(i, 7.0 / (1.0 + i as f64 * 0.01))).collect()
}

#[test]
fn a_run_alone_has_no_legend_and_no_name() {
    let history = history(500);
    let html = render(&Report { history: &history, name: "lonely", ..empty() });
    let body = html.split_once("</style>").unwrap().1;
    assert!(!body.contains("legend") && !body.contains("run-") && !body.contains("lonely"));
    assert_eq!(body.matches("<figure").count(), 8);
}

#[test]
fn evaluations_are_drawn_from_the_second_step_on() {
    let once = [score(100, "recall@1", 0.2)];
    let twice = [score(100, "recall@1", 0.2), score(200, "recall@1", 0.3)];
    let page = |evaluations| render(&Report { evaluations, ..empty() });
    assert!(!page(&once).contains("Evaluations over the run"));
    let html = page(&twice);
    assert!(html.contains("<h2>Evaluations over the run</h2>"));
    assert!(html.contains("Highest at step 200: 30.0%.") && html.contains("class=\"band\""));
    assert_balanced(&html);
}

#[test]
fn a_held_out_loss_is_drawn_but_not_compared_with_chance() {
    let loss = |step, value| Evaluation {
        task: "held_out".into(),
        low: value,
        high: value,
        chance: 6.9,
        ..score(step, "loss", value)
    };
    let html = render(&Report { evaluations: &[loss(1, 5.0), loss(2, 3.0)], ..empty() });
    assert!(html.contains("Loss on held-out fluent, nats"));
    assert!(html.contains("No result was a share of right answers."));
    assert!(!html.contains("<table") && !html.contains("300%"));
    assert_balanced(&html);
}

#[test]
fn other_runs_are_named_and_drawn_in_every_chart() {
    let (own, longer) = (history(300), history(900));
    let scores = [100, 200].map(|step| score(step, "recall@1", 0.2));
    let other = |name| OtherRun { name, history: &longer, evaluations: &scores };
    let html = render(&Report {
        name: "first & own",
        history: &own,
        evaluations: &scores,
        others: &[other("second"), other("<i>third")],
        ..empty()
    });
    for name in ["first &amp; own", "second", "&lt;i&gt;third"] {
        let entry = format!("<span>{name}</span></li>");
        assert_eq!(html.matches(&entry).count(), 2, "a legend in each section: {name}");
    }
    for chart in html.split("<figure").skip(1) {
        let chart = chart.split("</figure>").next().unwrap();
        assert!(chart.contains("class=\"run-2\"><title>&lt;i&gt;third</title>"), "{chart}");
    }
    assert!(
        html.contains("other run-2\"><span>&lt;i&gt;third</span></th>") && !html.contains("NaN")
    );
    assert_balanced(&html);
}

#[test]
fn runs_full_of_gaps_are_a_page() {
    let nothing = StepMetrics {
        lr: f64::NAN,
        logit_scale: f64::INFINITY,
        pairs_per_second: f64::NAN,
        gradient_norm: f64::NAN,
        parameter_norm: f64::NAN,
        data_wait: f64::NAN,
        memory: f64::NAN,
        ..step(1, f64::NAN)
    };
    let bad = [score(1, "top1", f64::NAN), score(2, "top1", f64::NAN)];
    let other = OtherRun { name: "b", history: &[nothing], evaluations: &bad };
    let history = [nothing, StepMetrics { step: 2, ..nothing }];
    let html = render(&Report {
        history: &history,
        evaluations: &bad,
        others: &[other, OtherRun { history: &[], evaluations: &[], ..other }],
        ..empty()
    });
    assert!(!html.contains("NaN") && !html.contains("inf%") && !html.contains("Memory"));
    assert_balanced(&html);
}

#[test]
fn five_runs_of_a_hundred_thousand_steps_stay_small() {
    let history = history(100_000);
    let other = OtherRun { name: "b", history: &history, evaluations: &[] };
    let html = render(&Report { history: &history, others: &[other; 4], ..empty() });
    assert!(html.len() < 800_000, "{}", html.len());
}
