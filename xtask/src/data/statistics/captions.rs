//! The page's part on captions.

use clip_data::{CaptionStatistics, Ranking};

use super::histogram::Histogram;
use super::images::repeats;
use super::page::facts;
use super::quantiles::table;
use super::ranking::list;
use super::text::{count, foreign, percent, short};

/// Tables, histograms and lists of the captions.
pub fn section(captions: &CaptionStatistics) -> String {
    let all = captions.characters.count();
    if all == 0 {
        return "<p class=\"empty\">There is no caption.</p>\n".to_owned();
    }
    let histogram = |title, thing, of| Histogram { title, thing, of, label: short }.render();
    let charts = [
        histogram("Words a caption", "caption", &captions.words),
        histogram("Characters a caption", "caption", &captions.characters),
        histogram("Keywords a sample", "sample", &captions.keywords),
    ];
    let about = if captions.vocabulary.one_in > 1 { "about " } else { "" };
    [
        facts(&[
            ("Captions".to_owned(), count(all)),
            ("Blank".to_owned(), count(captions.blank)),
            ("Missing or malformed".to_owned(), count(captions.missing)),
            ("Repeats of an earlier one".to_owned(), repeats(&captions.distinct)),
            (
                "ASCII only".to_owned(),
                format!("{} ({})", count(captions.ascii), percent(captions.ascii, all)),
            ),
            ("Words".to_owned(), count(captions.vocabulary.seen)),
            (
                "Distinct words".to_owned(),
                format!("{about}{}", count(captions.vocabulary.distinct)),
            ),
        ]),
        table(&[
            ("Words", &captions.words, short),
            ("Characters", &captions.characters, short),
            ("Keywords", &captions.keywords, short),
        ]),
        format!("<div class=\"charts\">\n{}</div>\n", charts.concat()),
        list("Most frequent words", &captions.frequent_words, 60, "columns"),
        stop_words(&captions.stop_words),
        format!(
            "<div class=\"lists\">\n{}{}</div>\n",
            list("Most frequent captions", &captions.frequent, 20, ""),
            list("Most frequent keywords", &captions.frequent_keywords, 20, ""),
        ),
        list("Scripts, by most letters", &captions.scripts, 20, "columns"),
    ]
    .concat()
}

/// Words such as `the`, in a line: how often they occur matters little.
fn stop_words(ranking: &Ranking) -> String {
    if ranking.entries.is_empty() {
        return String::new();
    }
    let word = |(text, times): &(String, u64)| {
        format!("<span class=\"word\">{} <small>{}</small></span>", foreign(text), count(*times))
    };
    let words: Vec<_> = ranking.entries.iter().take(30).map(word).collect();
    format!(
        "<div class=\"block\"><h3>Stop words, counted apart</h3><p class=\"run\">{}</p></div>\n",
        words.join(" ")
    )
}
