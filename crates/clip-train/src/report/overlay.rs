//! The run a report is about and those drawn beside it.

use super::data::{OtherRun, Report};
use super::markup::escape;

/// More lines in one chart than these and the run's own cannot be told apart.
const MAX_OTHERS: usize = 4;

/// Every run to draw, the one that the report is about first.
pub(super) fn runs<'a>(report: &Report<'a>) -> Vec<OtherRun<'a>> {
    let Report { name, history, evaluations, others, .. } = *report;
    let own = OtherRun { name, history, evaluations };
    [own].into_iter().chain(others.iter().take(MAX_OTHERS).copied()).collect()
}

/// Which line is which run's, as each chart draws them; nothing where there is only one.
pub(super) fn legend(report: &Report<'_>) -> String {
    if report.others.is_empty() {
        return String::new();
    }
    let runs = runs(report);
    let entries: String = runs.iter().enumerate().map(|(i, run)| entry(i, run.name)).collect();
    format!("<ul class=\"legend\">\n{entries}{}</ul>\n", left_out(report.others.len()))
}

/// What the words and numbers around the charts are about; nothing where there is only one run.
pub(super) fn subject_note(report: &Report<'_>) -> String {
    if report.others.is_empty() {
        return String::new();
    }
    format!("<p>The words over each chart are about {}.</p>\n", escape(report.name))
}

/// The CSS class that gives a run's marks their colour and dashes.
pub(super) fn class(run: usize) -> String {
    format!("run-{run}")
}

fn entry(run: usize, name: &str) -> String {
    format!(
        "<li class=\"{}\"><svg class=\"plot swatch\" aria-hidden=\"true\">\
         <path class=\"line\" d=\"M1 7H27\"/></svg><span>{}</span></li>\n",
        class(run),
        escape(name),
    )
}

fn left_out(others: usize) -> String {
    match others.saturating_sub(MAX_OTHERS) {
        0 => String::new(),
        more => format!("<li>and {more} more, not drawn</li>\n"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::tests::empty;

    const OTHER: OtherRun<'_> = OtherRun { name: "<b> & c", history: &[], evaluations: &[] };

    #[test]
    fn a_run_alone_needs_no_legend() {
        assert_eq!(legend(&empty()) + &subject_note(&empty()), "");
    }

    #[test]
    fn runs_beyond_the_fourth_are_counted_not_drawn() {
        let report = Report { name: "a", others: &[OTHER; 6], ..empty() };
        assert_eq!(runs(&report).len(), 5);
        let html = legend(&report);
        assert!(html.contains("and 2 more, not drawn") && html.contains("&lt;b&gt; &amp; c"));
        assert!(html.contains("run-4") && !html.contains("run-5"));
    }
}
