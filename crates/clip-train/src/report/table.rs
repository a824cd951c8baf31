//! Results against chance as a table.

use super::axis::Axis;
use super::data::OtherRun;
use super::markup::escape;
use super::subject::{latest, metric_name, subject, task_name};
use super::{number, overlay, whisker};
use clip_eval::Evaluation;

/// The table, one body a group of rows about the same test and one more column for each of the
/// runs beside the first.
pub(super) fn render(rows: &[&Evaluation], runs: &[OtherRun<'_>]) -> String {
    let axis = whisker::scale(rows);
    let others = columns(runs);
    let bodies: String = groups(rows).iter().map(|group| body(group, &axis, &others)).collect();
    format!(
        "<p>Dot: score. Line through it: 95% interval. Dashed: chance.{}</p>\n\
         <table class=\"results{}\">\n<thead><tr><th scope=\"col\">Metric</th>\
         <th scope=\"col\" class=\"number\">Score</th>\
         <th scope=\"col\" class=\"graphic\">{}</th>\
         <th scope=\"col\" class=\"number\">95% interval</th>\
         <th scope=\"col\" class=\"number\">Chance</th>\
         <th scope=\"col\" class=\"number\">Times chance</th>{}</tr></thead>\n{bodies}</table>\n",
        others_note(&others),
        if others.is_empty() { "" } else { " compared" },
        whisker::labels(&axis),
        others.iter().map(Column::head).collect::<String>(),
    )
}

/// The latest results of a run beside the first.
struct Column<'a> {
    name: &'a str,
    class: String,
    rows: Vec<&'a Evaluation>,
}

fn columns<'a>(runs: &[OtherRun<'a>]) -> Vec<Column<'a>> {
    let column = |(i, run): (usize, &OtherRun<'a>)| Column {
        name: run.name,
        class: overlay::class(i),
        rows: latest(run.evaluations),
    };
    runs.iter().enumerate().skip(1).map(column).collect()
}

fn others_note(others: &[Column<'_>]) -> &'static str {
    match others {
        [] => "",
        _ => {
            " The columns on the right are the latest scores of the other runs, with the step \
             where it is another one."
        }
    }
}

impl Column<'_> {
    fn head(&self) -> String {
        let (class, name) = (&self.class, escape(self.name));
        format!("<th scope=\"col\" class=\"number other {class}\"><span>{name}</span></th>")
    }

    fn cell(&self, row: &Evaluation) -> String {
        let same = self.rows.iter().find(|other| subject(other) == subject(row));
        let text = match same {
            Some(other) if other.step == row.step => number::percent(other.value),
            Some(other) => {
                let (value, step) = (number::percent(other.value), number::count(other.step));
                format!("{value} <small>step {step}</small>")
            }
            None => number::percent(f64::NAN),
        };
        format!("<td class=\"number other\" data-label=\"{}\">{text}</td>", escape(self.name))
    }
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

fn body(group: &[&Evaluation], axis: &Axis, others: &[Column<'_>]) -> String {
    let heading = group.first().map(|row| heading(row, 6 + others.len())).unwrap_or_default();
    let rows: String = group.iter().map(|row| line(row, axis, others)).collect();
    format!("<tbody>\n{heading}{rows}</tbody>\n")
}

fn heading(row: &Evaluation, columns: usize) -> String {
    let (cases, answers) = match row.task.as_str() {
        "text_to_image" => ("captions", "images to choose from"),
        "image_to_text" => ("images", "captions to choose from"),
        _ => ("images", "classes"),
    };
    format!(
        "<tr class=\"group\"><th scope=\"rowgroup\" colspan=\"{columns}\">{} <b>{}</b> \
         <span>{} {cases}, {} {answers}, step {}</span></th></tr>\n",
        escape(&task_name(&row.task)),
        escape(&row.dataset),
        number::count(row.n as u64),
        number::count(row.classes as u64),
        number::count(row.step),
    )
}

fn line(row: &Evaluation, axis: &Axis, others: &[Column<'_>]) -> String {
    let ratio = row.value / row.chance;
    let factor =
        if ratio.is_finite() { number::factor(ratio) + "×" } else { number::factor(ratio) };
    format!(
        "<tr><th scope=\"row\">{}</th><td class=\"number score\">{}</td>\
         <td class=\"graphic\">{}</td>\
         <td class=\"number\" data-label=\"95% interval\">{}</td>\
         <td class=\"number\" data-label=\"Chance\">{}</td>\
         <td class=\"number\" data-label=\"Times chance\">{factor}</td>{}</tr>\n",
        escape(&metric_name(&row.metric)),
        number::percent(row.value),
        whisker::drawing(row, axis),
        number::interval(row.low, row.high),
        number::percent(row.chance),
        others.iter().map(|other| other.cell(row)).collect::<String>(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::tests::score;

    #[test]
    fn rows_of_one_test_share_a_heading() {
        let rows = [score(1, "recall@1", 0.3), score(1, "recall@5", 0.5)];
        let html = render(&latest(&rows), &[]);
        assert_eq!(html.matches("<tbody>").count(), 1);
        assert!(html.contains("1,594 images, 1,000 captions to choose from, step 1"));
        assert!(html.contains("Recall at 1") && html.contains(">300×<"));
    }

    #[test]
    fn none_and_all_stay_on_the_scale() {
        let rows = [score(1, "recall@1", 0.0), score(1, "recall@5", 1.0)];
        let html = render(&latest(&rows), &[]);
        assert!(html.contains(">0%<") && html.contains(">100%<"));
        assert!(html.contains("cx=\"0.00%\"") && html.contains("cx=\"100.00%\""));
    }

    #[test]
    fn missing_numbers_are_dashes_and_draw_nothing() {
        let mut bad = score(1, "recall@1", f64::NAN);
        (bad.low, bad.high, bad.chance) = (f64::NAN, f64::NAN, 0.0);
        let html = render(&[&bad], &[]);
        assert!(html.contains("—") && !html.contains("NaN") && !html.contains("<circle"));
    }

    #[test]
    fn other_runs_get_a_column_with_their_latest_score() {
        let (own, other) = (
            [score(2, "recall@1", 0.3), score(2, "recall@5", 0.5), score(2, "recall@10", 0.7)],
            [score(1, "recall@1", 0.1), score(3, "recall@1", 0.4), score(2, "recall@5", 0.6)],
        );
        let run = |name, evaluations| OtherRun { name, history: &[], evaluations };
        let html = render(&latest(&own), &[run("own", &own), run("<b>", &other)]);
        assert!(
            html.contains("other run-1\"><span>&lt;b&gt;</span></th>") && !html.contains(">own<")
        );
        assert!(html.contains(">40.0% <small>step 3</small></td>"));
        assert!(html.contains("\">60.0%</td>") && html.contains("&lt;b&gt;\">—</td>"));
        assert!(html.contains("colspan=\"7\""));
    }
}
