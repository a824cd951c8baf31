//! The page's part on concepts.

use clip_data::ConceptStatistics;

use super::histogram::Histogram;
use super::page::facts;
use super::ranking::list;
use super::text::{count, percent, short};

/// How samples share concepts; `None` where no sample names one.
pub fn section(concepts: &ConceptStatistics, samples: u64) -> Option<String> {
    let distinct = &concepts.distinct;
    if distinct.seen == 0 {
        return None;
    }
    let about = if distinct.one_in > 1 { "about " } else { "" };
    let with = format!("{} ({})", count(distinct.seen), percent(distinct.seen, samples));
    let mean = distinct.occurrences.mean().map(short).unwrap_or_default();
    let chart = Histogram {
        title: "Samples a concept",
        thing: "concept",
        of: &distinct.occurrences,
        label: short,
    };
    Some(format!(
        "{}<div class=\"lists\">\n{}{}</div>\n",
        facts(&[
            ("Samples with a concept".to_owned(), with),
            ("Concepts".to_owned(), format!("{about}{}", count(distinct.distinct))),
            ("Samples a concept, mean".to_owned(), mean),
        ]),
        chart.render(),
        list("Concepts with the most samples", &concepts.frequent, 12, ""),
    ))
}
