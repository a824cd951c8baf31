//! What is most frequent, as lists with bars.

use clip_data::Ranking;

use super::text::{count, escape, foreign, percent};

/// The first entries as a list under a heading, with their share of all that was counted; empty
/// where nothing was.
pub fn list(title: &str, ranking: &Ranking, entries: usize, class: &str) -> String {
    let Some((_, most)) = ranking.entries.first() else {
        return String::new();
    };
    let item = |(text, times): &(String, u64)| {
        let width = *times as f64 / *most as f64 * 100.0;
        let share = percent(*times, ranking.total);
        format!(
            "<li style=\"--share:{width:.1}%\"><span>{}</span>\
             <small>{} <i>{share}</i></small></li>\n",
            foreign(text),
            count(*times),
        )
    };
    let items: String = ranking.entries.iter().take(entries).map(item).collect();
    format!(
        "<div class=\"block\"><h3>{}</h3>{}<ol class=\"ranking {class}\">\n{items}</ol></div>\n",
        escape(title),
        bound(ranking),
    )
}

/// What the counts are worth, where they aren't exact.
fn bound(ranking: &Ranking) -> String {
    match ranking.too_low_by {
        0 => String::new(),
        by => format!("<p>Counted within limited memory: too low by up to {}.</p>\n", count(by)),
    }
}
