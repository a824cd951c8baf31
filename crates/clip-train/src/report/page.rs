use super::chart::Chart;
use super::data::{Report, StepMetrics};
use super::loss::LossCurve;
use super::markup::{escape, unbroken};
use super::series::{Point, range};
use super::verdict::Verdict;
use super::{grid, number, table};

const STYLE: &str = include_str!("style.css");

/// The policy lets a browser load nothing: what the page shows is inside it.
const POLICY: &str = "default-src 'none'; img-src data:; style-src 'unsafe-inline'";

/// The report as one HTML page that needs no network and no script.
pub fn render(report: &Report<'_>) -> String {
    let latest = table::latest(report.evaluations);
    let loss = LossCurve::new(report.history);
    let verdict = Verdict::new(&loss, &latest);
    let sections = [
        header(report.title, &verdict),
        facts(report.facts),
        section("Training", &charts(report, loss)),
        section("Results against chance", &table::render(&latest)),
        section("What it sees", &grid::render(report.examples)),
        notes(),
    ];
    document(report.title, &sections.concat())
}

fn document(title: &str, body: &str) -> String {
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"{POLICY}\">\n\
         <link rel=\"icon\" href=\"data:,\">\n\
         <title>{}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<main>\n{body}</main>\n\
         </body>\n</html>\n",
        escape(title),
    )
}

fn header(title: &str, verdict: &Verdict) -> String {
    let (title, headline) = (escape(title), unbroken(&verdict.headline));
    let detail = match verdict.detail.as_str() {
        "" => String::new(),
        detail => format!("<p>{}</p>\n", escape(detail)),
    };
    format!(
        "<header>\n<h1>{title}</h1>\n<p class=\"verdict\">{headline}</p>\n{detail}\
         </header>\n"
    )
}

fn facts(facts: &[(String, String)]) -> String {
    if facts.is_empty() {
        return String::new();
    }
    let fact = |(name, value): &(String, String)| {
        format!("<div><dt>{}</dt><dd>{}</dd></div>\n", escape(name), escape(value))
    };
    format!("<dl class=\"facts\">\n{}</dl>\n", facts.iter().map(fact).collect::<String>())
}

fn section(title: &str, body: &str) -> String {
    format!("<section>\n<h2>{}</h2>\n{body}</section>\n", escape(title))
}

fn charts(report: &Report<'_>, loss: LossCurve) -> String {
    if report.history.is_empty() {
        return "<p class=\"empty\">No step was taken.</p>\n".to_owned();
    }
    let history = report.history;
    format!(
        "{}<div class=\"pair\">\n{}{}</div>\n",
        loss.chart(history, report.batch).render(),
        rate_chart(history).render(),
        scale_chart(history).render(),
    )
}

fn points(history: &[StepMetrics], value: impl Fn(&StepMetrics) -> f64) -> Vec<Point> {
    history.iter().map(|m| (m.step as f64, value(m))).collect()
}

fn rate_chart(history: &[StepMetrics]) -> Chart<'static> {
    let line = points(history, |m| m.lr);
    let peak = line.iter().filter(|p| p.1.is_finite()).max_by(|a, b| a.1.total_cmp(&b.1));
    let note = peak.map(|(step, rate)| {
        format!("Highest at step {}: {}.", number::count(*step as u64), number::short(*rate))
    });
    small_chart("Learning rate", note.unwrap_or_default(), line)
}

fn scale_chart(history: &[StepMetrics]) -> Chart<'static> {
    let line = points(history, |m| m.logit_scale);
    let note = range(line.iter().map(|p| p.1)).map(|(low, high)| {
        let ends = format!("{} to {}", number::short(low), number::short(high));
        format!("Factor on the cosine similarities, {ends}.")
    });
    small_chart("Logit scale", note.unwrap_or_default(), line)
}

fn small_chart(title: &'static str, note: String, line: Vec<Point>) -> Chart<'static> {
    Chart { title, note, size: "small", line, behind: vec![], reference: None, ticks: (4, 3) }
}

fn notes() -> String {
    "<footer>\n<h2>How to read this</h2>\n\
     <p><b>Intervals</b> are 95% Wilson score intervals: they say how far the score could be off \
     because the test set is finite. They do not cover what another seed would change.</p>\n\
     <p><b>Chance</b> is what guessing would score, marked by the dashed line in each row; all \
     rows share one scale. <b>Top 5</b> and <b>recall at 5</b> ask only that the right answer be \
     among the first five.</p>\n\
     <p><b>Loss of guessing</b> is ln of the number of pairs each pair is contrasted with, itself \
     included.</p>\n\
     <p><b>Probabilities</b> under an image are the softmax over all candidate captions, bars \
     drawn from 0 to 100%. ✓ marks the caption that belongs to the image; several captions may \
     fit, and only that one counts.</p>\n\
     </footer>\n"
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Example;
    use clip_eval::Evaluation;

    fn step(step: u64, loss: f64) -> StepMetrics {
        StepMetrics {
            step,
            loss,
            logit_scale: 14.3,
            lr: 1e-3,
            pairs_per_second: 900.0,
            gradient_norm: 1.0,
            epoch: 0,
            skipped: !loss.is_finite(),
        }
    }

    fn empty() -> Report<'static> {
        Report {
            title: "Nothing",
            facts: &[],
            batch: None,
            history: &[],
            evaluations: &[],
            examples: &[],
        }
    }

    /// Every element that needs a closing tag has one.
    fn assert_balanced(html: &str) {
        let body = html.split_once("</style>").unwrap().1;
        for tag in [
            "svg", "table", "thead", "tbody", "tr", "th", "td", "figure", "section", "article",
            "dl", "div", "ol", "li", "p", "text", "span", "b", "i", "main", "html",
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
        let history: Vec<_> = (1..=500).map(|i| step(i, 7.0 / (1.0 + i as f64 * 0.01))).collect();
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
        let html = render(&Report { title: bad, facts: &facts, examples: &[example], ..empty() });
        assert!(!html.contains("<script"));
        assert_eq!(html.matches("</style>").count(), 1);
        assert_balanced(&html);
    }
}
