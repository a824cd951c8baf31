use super::data::{OtherRun, Report};
use super::loss::LossCurve;
use super::markup::{escape, unbroken};
use super::subject::{is_share, latest};
use super::verdict::Verdict;
use super::{evaluations, grid, overlay, table, training};
use clip_eval::Evaluation;

const STYLE: &str = include_str!("style.css");

/// The policy lets a browser load nothing: what the page shows is inside it.
const POLICY: &str = "default-src 'none'; img-src data:; style-src 'unsafe-inline'";

/// The report as one HTML page that needs no network and no script.
pub fn render(report: &Report<'_>) -> String {
    let runs = overlay::runs(report);
    let latest = latest(report.evaluations);
    let loss = LossCurve::new(&runs);
    let verdict = Verdict::new(&loss, &latest);
    let legend = overlay::legend(report);
    let over_time = evaluations::render(&runs, &legend);
    let training = [overlay::subject_note(report), legend];
    let sections = [
        header(report.title, &verdict),
        facts(report.facts),
        section("Training", &(training.concat() + &training::render(&runs, loss, report.batch))),
        over_time.map(|charts| section("Evaluations over the run", &charts)).unwrap_or_default(),
        section("Results against chance", &results(&latest, &runs)),
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

/// The table of those results that are shares, which alone have a chance to divide by.
fn results(latest: &[&Evaluation], runs: &[OtherRun<'_>]) -> String {
    let shares: Vec<&Evaluation> = latest.iter().copied().filter(|row| is_share(row)).collect();
    if latest.is_empty() {
        "<p class=\"empty\">No evaluation was run.</p>\n".to_owned()
    } else if shares.is_empty() {
        "<p class=\"empty\">No result was a share of right answers.</p>\n".to_owned()
    } else {
        table::render(&shares, runs)
    }
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
