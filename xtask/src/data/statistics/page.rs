//! The page as a whole.

use clip_data::Statistics;

use super::text::{bytes, count, escape, foreign, short, things};
use super::thumbnail::Thumbnail;
use super::{captions, concepts, faults, findings, images, quantiles, ranking, samples};

/// The look of the training report, so that the two belong together.
const STYLE: &str = include_str!("../../../../crates/clip-train/src/report/style.css");
const OWN_STYLE: &str = include_str!("style.css");

/// The policy lets a browser load nothing: what the page shows is inside it.
const POLICY: &str = "default-src 'none'; img-src data:; style-src 'unsafe-inline'";

/// All that the page shows.
pub struct Page<'a> {
    /// The heading.
    pub title: &'a str,
    /// Whether the parts are shards, which are worth showing.
    pub shards: bool,
    /// The numbers.
    pub statistics: &'a Statistics,
    /// The picked samples.
    pub thumbnails: &'a [Thumbnail<'a>],
}

impl Page<'_> {
    /// The page as one HTML file that needs no network and no script.
    pub fn render(&self) -> String {
        let of = self.statistics;
        let concepts = concepts::section(&of.concepts, of.samples);
        let body = [
            self.header(),
            section("Worth a look", &self.findings()),
            section(&self.picked(), &samples::section(self.thumbnails)),
            section("Captions", &captions::section(&of.captions)),
            section("Images", &images::section(&of.images)),
            concepts.map(|body| section("Concepts", &body)).unwrap_or_default(),
            section(if self.shards { "Shards" } else { "Files" }, &self.files()),
            section("Faults", &faults::section(of)),
            notes(of),
        ];
        document(self.title, &body.concat())
    }

    fn header(&self) -> String {
        let (headline, detail) = findings::verdict(self.statistics, self.shards);
        format!(
            "<header>\n<h1>{}</h1>\n<p class=\"verdict\">{}</p>\n<p>{}</p>\n</header>\n",
            foreign(self.title),
            escape(&headline),
            escape(&detail),
        )
    }

    fn findings(&self) -> String {
        let found = findings::findings(self.statistics);
        if found.is_empty() {
            return "<p>Nothing stands out.</p>\n".to_owned();
        }
        let items: String =
            found.iter().map(|text| format!("<li>{}</li>\n", escape(text))).collect();
        format!("<ul class=\"findings\">\n{items}</ul>\n")
    }

    fn picked(&self) -> String {
        format!("{} picked at random", things(self.thumbnails.len() as u64, "sample"))
    }

    fn files(&self) -> String {
        let of = self.statistics;
        let members = ranking::list("Members by extension", &of.members, 20, "columns");
        if !self.shards {
            return members;
        }
        let numbers = facts(&[
            ("Shards".to_owned(), count(of.parts.samples.count())),
            ("Bytes in members".to_owned(), bytes(of.bytes as f64)),
        ]);
        let rows: [quantiles::Row<'_>; 2] = [
            ("Samples a shard", &of.parts.samples, short),
            ("Bytes a shard", &of.parts.bytes, bytes),
        ];
        [numbers, quantiles::table(&rows), members].concat()
    }
}

fn document(title: &str, body: &str) -> String {
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"{POLICY}\">\n\
         <link rel=\"icon\" href=\"data:,\">\n\
         <title>{}</title>\n<style>\n{STYLE}\n{OWN_STYLE}</style>\n</head>\n<body>\n<main>\n\
         {body}</main>\n</body>\n</html>\n",
        escape(title),
    )
}

fn section(title: &str, body: &str) -> String {
    format!("<section>\n<h2>{}</h2>\n{body}</section>\n", escape(title))
}

/// Names and values as a grid.
pub fn facts(facts: &[(String, String)]) -> String {
    let fact = |(name, value): &(String, String)| {
        format!("<div><dt>{}</dt><dd>{}</dd></div>\n", escape(name), escape(value))
    };
    format!("<dl class=\"facts\">\n{}</dl>\n", facts.iter().map(fact).collect::<String>())
}

fn notes(of: &Statistics) -> String {
    let estimated = [
        &of.images.distinct,
        &of.captions.distinct,
        &of.captions.vocabulary,
        &of.concepts.distinct,
    ];
    let one_in = estimated.iter().map(|distinct| distinct.one_in).max().unwrap_or(1);
    let estimate = match one_in {
        0 | 1 => String::new(),
        some => format!(
            "<p><b>About</b> marks estimates from one in up to {} distinct things, for which the \
             memory sufficed.</p>\n",
            count(some)
        ),
    };
    format!(
        "<footer>\n<h2>How to read this</h2>\n\
         <p><b>Images</b> are read as far as their headers say: one may still turn out to be \
         broken when it is decoded. Only the samples shown were.</p>\n\
         <p><b>Captions</b> are a sample's whole text, or its name; keywords count apart. \
         <b>Words</b> are told apart by Unicode's rules: punctuation is none, and each Han \
         character is one.</p>\n\
         <p><b>Repeats</b> are equal to the byte. Images that only look alike are not counted.</p>\n\
         <p><b>Histograms</b> show shares of all; a pale bar at an end stands for everything \
         beyond, at most one in a hundred.</p>\n{estimate}</footer>\n"
    )
}
