//! How the results of the evaluations moved over the run.

use std::collections::BTreeMap;

use super::chart::{Chart, Reference, Series, Size};
use super::data::OtherRun;
use super::number;
use super::series::Point;
use super::subject::{heading, is_share, latest, subject};
use super::unit::Unit;
use clip_eval::Evaluation;

/// More charts than this are not read.
const MAX_CHARTS: usize = 12;

/// One chart for each result that the first run has and that some run has at two steps or more;
/// `None` if there is no such result.
pub(super) fn render(runs: &[OtherRun<'_>], legend: &str) -> Option<String> {
    let mut drawn = latest(runs.first()?.evaluations);
    drawn.retain(|row| runs.iter().any(|run| by_step(run, row).len() > 1));
    drawn.sort_by_key(|row| importance(row));
    if drawn.is_empty() {
        return None;
    }
    let charts: String =
        drawn.iter().take(MAX_CHARTS).map(|row| chart(runs, row).render()).collect();
    Some(format!(
        "<p>Line: result. Band: 95% interval. Dashed: chance.{}</p>\n{legend}\
         <div class=\"pair\">\n{charts}</div>\n",
        left_out(drawn.len()),
    ))
}

/// The strictest metrics come first, then the loss.
fn importance(row: &Evaluation) -> u32 {
    let digits = row.metric.trim_start_matches("recall@").trim_start_matches("top");
    match (row.metric.as_str(), digits.parse()) {
        ("loss", _) => 2,
        (_, Ok(1)) => 1,
        (_, Ok(answers)) => answers.max(3),
        _ => u32::MAX,
    }
}

fn left_out(charts: usize) -> String {
    match charts.saturating_sub(MAX_CHARTS) {
        0 => String::new(),
        more => format!(" Not drawn: {more} more."),
    }
}

/// The finite results of a run for the subject of `like`, a repeated step counting as it came
/// out last.
fn by_step<'a>(run: &OtherRun<'a>, like: &Evaluation) -> Vec<&'a Evaluation> {
    let rows = run.evaluations.iter().filter(|row| subject(row) == subject(like));
    let finite = rows.filter(|row| row.value.is_finite());
    finite.map(|row| (row.step, row)).collect::<BTreeMap<_, _>>().into_values().collect()
}

fn chart<'a>(runs: &[OtherRun<'a>], like: &Evaluation) -> Chart<'a> {
    let unit = if is_share(like) { Unit::Share } else { Unit::Number };
    Chart {
        title: heading(like),
        note: runs.first().and_then(|run| best(&by_step(run, like), unit)).unwrap_or_default(),
        size: Size::Small,
        unit,
        runs: runs.iter().map(|run| series(run, like)).collect(),
        reference: like.chance.is_finite().then(|| chance(like.chance, unit)),
    }
}

fn series<'a>(run: &OtherRun<'a>, like: &Evaluation) -> Series<'a> {
    let rows = by_step(run, like);
    let edge = |end: fn(&Evaluation) -> f64| -> Vec<Point> {
        // A loss comes without an interval: its ends are its value.
        let wide = rows.iter().filter(|row| row.high > row.low);
        wide.map(|row| (row.step as f64, end(row))).collect()
    };
    Series {
        name: run.name,
        line: rows.iter().map(|row| (row.step as f64, row.value)).collect(),
        behind: vec![],
        band: (edge(|row| row.low), edge(|row| row.high)),
    }
}

fn chance(value: f64, unit: Unit) -> Reference {
    Reference { value, label: format!("chance: {}", unit.text(value)) }
}

/// The best result and where it was reached first.
fn best(rows: &[&Evaluation], unit: Unit) -> Option<String> {
    let (name, best) = match unit {
        Unit::Share => ("Highest", rows.iter().rev().max_by(|a, b| a.value.total_cmp(&b.value))?),
        Unit::Number => ("Lowest", rows.iter().min_by(|a, b| a.value.total_cmp(&b.value))?),
    };
    Some(format!("{name} at step {}: {}.", number::count(best.step), unit.text(best.value)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::tests::score;

    fn run(evaluations: &[Evaluation]) -> OtherRun<'_> {
        OtherRun { name: "a", history: &[], evaluations }
    }

    #[test]
    fn one_evaluation_is_no_curve() {
        let once = [score(1, "recall@1", 0.2), score(1, "recall@5", 0.3)];
        assert_eq!(render(&[run(&once)], ""), None);
        let again = [score(1, "recall@1", 0.2), score(1, "recall@1", 0.4)];
        assert_eq!(render(&[run(&again)], ""), None);
        assert_eq!(render(&[], ""), None);
    }

    #[test]
    fn another_run_can_make_one_evaluation_worth_a_chart() {
        let (once, twice) =
            ([score(1, "recall@1", 0.2)], [1, 2].map(|step| score(step, "recall@1", 0.2)));
        assert!(render(&[run(&once), run(&twice)], "").is_some());
        assert_eq!(render(&[run(&[]), run(&twice)], ""), None);
    }

    #[test]
    fn steps_are_sorted_and_the_first_best_is_named() {
        let rows = [(300, 0.4), (100, 0.2), (200, 0.4)].map(|(step, v)| score(step, "top1", v));
        let html = render(&[run(&rows)], "").unwrap();
        assert!(html.contains("Highest at step 200: 40.0%."), "{html}");
        assert!(html.contains(">chance: 0.10%<"), "{html}");
    }

    #[test]
    fn a_loss_is_in_nats_and_has_no_band() {
        let loss = |step, value| Evaluation {
            task: "held_out".into(),
            low: value,
            high: value,
            chance: 6.93,
            ..score(step, "loss", value)
        };
        let html = render(&[run(&[loss(1, 5.0), loss(2, 2.0), loss(3, 3.0)])], "").unwrap();
        assert!(html.contains("Loss on held-out fluent, nats"));
        assert!(html.contains("Lowest at step 2: 2.00.") && html.contains(">chance: 6.93<"));
        assert!(!html.contains("class=\"band\"") && !html.contains("300%"));
    }

    #[test]
    fn the_strictest_metrics_come_first_and_the_thirteenth_is_left_out() {
        let metric = |k: u64| [1, 2].map(|step| score(step, &format!("recall@{k}"), 0.5));
        let rows: Vec<Evaluation> = (1..=13).rev().flat_map(metric).collect();
        let html = render(&[run(&rows)], "").unwrap();
        assert_eq!(html.matches("<figure").count(), 12);
        assert!(!html.contains("Recall at 13,"));
        assert!(html.contains("Not drawn: 1 more."));
        assert!(html.find("Recall at 1,").unwrap() < html.find("Recall at 12,").unwrap());
    }

    #[test]
    fn missing_numbers_draw_nothing() {
        let mut rows = [1, 2, 3].map(|step| score(step, "top1", 0.5));
        (rows[1].low, rows[1].high) = (f64::NAN, f64::NAN);
        rows[2].value = f64::NAN;
        rows[2].chance = f64::NAN;
        assert!(!render(&[run(&rows)], "").unwrap().contains("NaN"));
    }
}
