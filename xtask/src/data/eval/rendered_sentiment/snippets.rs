//! Which sentences are drawn.

use std::io::Read;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use flate2::read::GzDecoder;

use crate::data::lot::lot;
use crate::data::words::words;

/// The classes, in the order of their labels.
pub const CLASSES: [&str; 2] = ["negative", "positive"];

/// The file of snippets from reviews of movies: number, mean rating and text.
pub const MEMBER: &str = "hutto_ICWSM_2014/movieReviewSnippets_GroundTruth.txt";

/// Mean ratings, from -4 to 4, nearer to 0 than this are not clear.
const CLEAR: f64 = 1.5;

/// A sentence that people found clearly good or clearly bad news of a movie.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snippet {
    pub text: String,
    /// Number of its class.
    pub label: usize,
}

/// How many sentences of a class each split gets.
#[derive(Clone, Copy, Debug)]
pub struct PerClass {
    pub train: usize,
    pub test: usize,
}

/// A sentence that is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Chosen<'a> {
    pub text: &'a str,
    /// Number of its class.
    pub label: usize,
    /// Its number within its class.
    pub number: usize,
    /// Whether it is to measure on.
    pub is_test: bool,
}

/// Reads the clear snippets of a `.tar.gz`.
pub fn read(archive: &[u8]) -> Result<Vec<Snippet>> {
    let table = table(archive).with_context(|| format!("cannot read {MEMBER}"))?;
    let mut snippets = Vec::new();
    for (line, row) in table.trim_start_matches('\u{feff}').lines().enumerate() {
        let (rating, text) = fields(row).with_context(|| {
            format!("line {} of {MEMBER} is no number, rating and text", line + 1)
        })?;
        if rating.abs() >= CLEAR {
            snippets.push(Snippet { text, label: usize::from(rating > 0.0) });
        }
    }
    Ok(snippets)
}

fn table(archive: &[u8]) -> Result<String> {
    let mut archive = tar::Archive::new(GzDecoder::new(archive));
    for entry in archive.entries()? {
        let mut entry = entry?;
        if entry.path()? == Path::new(MEMBER) {
            let mut table = String::new();
            entry.read_to_string(&mut table)?;
            return Ok(table);
        }
    }
    anyhow::bail!("the archive has no such file")
}

/// The rating, and the text with single spaces. Its only HTML reference is that of `&`.
fn fields(row: &str) -> Option<(f64, String)> {
    let [_, rating, text] = row.split('\t').collect::<Vec<_>>().try_into().ok()?;
    let rating = rating.parse().ok().filter(|rating: &f64| rating.abs() <= 4.0)?;
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ").replace("&amp;", "&");
    (!text.is_empty()).then_some((rating, text))
}

/// Draws lots for as many sentences of each class as `wanted`. Of sentences that are alike one is
/// taken, so that no split has one like another's.
pub fn choose(snippets: &[Snippet], wanted: PerClass) -> Result<Vec<Chosen<'_>>> {
    let mut order: Vec<&Snippet> = snippets.iter().collect();
    order.sort_by_key(|snippet| (lot(&snippet.text), &snippet.text));
    let mut taken = [0; CLASSES.len()];
    let mut chosen = Vec::new();
    let mut seen: Vec<Vec<u64>> = Vec::new();
    for snippet in order {
        let number = taken[snippet.label];
        let bag = bag(&snippet.text);
        if number == wanted.train + wanted.test || seen.iter().any(|other| alike(&bag, other)) {
            continue;
        }
        let is_test = number < wanted.test;
        chosen.push(Chosen { text: &snippet.text, label: snippet.label, number, is_test });
        taken[snippet.label] += 1;
        seen.push(bag);
    }
    for (class, taken) in CLASSES.iter().zip(taken) {
        let wanted = wanted.train + wanted.test;
        ensure!(taken == wanted, "{MEMBER} has {taken} clear {class} sentences and not {wanted}");
    }
    Ok(chosen)
}

/// Numbers for the words of a text, sorted, each once.
fn bag(text: &str) -> Vec<u64> {
    let mut bag: Vec<u64> = words(text).iter().map(|word| lot(word)).collect();
    bag.sort_unstable();
    bag.dedup();
    bag
}

/// Whether half of the words that either has are in both.
fn alike(left: &[u64], right: &[u64]) -> bool {
    let shared = left.iter().filter(|word| right.binary_search(word).is_ok()).count();
    2 * shared >= left.len() + right.len() - shared
}

#[cfg(test)]
mod tests {
    use super::*;

    fn snippet(text: &str, label: usize) -> Snippet {
        Snippet { text: text.to_owned(), label }
    }

    #[test]
    fn sentences_that_are_alike_are_taken_once() -> Result<()> {
        let snippets = [
            snippet("Doesn't add up to much.", 0),
            snippet("Doesn't really add up to much.", 0),
            snippet("... doesn't add up to much!", 1),
            snippet("A true delight.", 1),
            snippet("There is greatness here.", 1),
        ];
        let one = PerClass { train: 0, test: 1 };
        assert_eq!(choose(&snippets[..4], one)?.len(), 2);
        let two = PerClass { train: 1, test: 1 };
        let message = choose(&snippets, two).err().map(|error| error.to_string());
        assert!(message.is_some_and(|text| text.contains("has 1 clear negative sentences")));
        Ok(())
    }

    #[test]
    fn the_choice_does_not_hang_on_the_order_of_the_file() -> Result<()> {
        let mut snippets: Vec<Snippet> =
            (0..40).map(|n| snippet(&format!("a{n} b{n} c{n}."), n % 2)).collect();
        let wanted = PerClass { train: 5, test: 3 };
        let first: Vec<_> = choose(&snippets, wanted)?.iter().map(|c| c.text.to_owned()).collect();
        snippets.reverse();
        let chosen = choose(&snippets, wanted)?;
        assert_eq!(chosen.iter().map(|chosen| chosen.text).collect::<Vec<_>>(), first);
        for label in 0..2 {
            let of: Vec<_> = chosen.iter().filter(|chosen| chosen.label == label).collect();
            assert_eq!((of.len(), of.iter().filter(|chosen| chosen.is_test).count()), (8, 3));
        }
        Ok(())
    }

    #[test]
    fn rows_are_cleaned_and_others_refused() {
        let row = "22\t-1.5\tLovely &amp; Amazing    or not. ";
        assert_eq!(fields(row), Some((-1.5, "Lovely & Amazing or not.".to_owned())));
        for row in ["22\tbad\ttext", "22\t1.5", "22\tNaN\ttext", "22\t5\ttext", "22\t1.5\t "] {
            assert_eq!(fields(row), None, "{row}");
        }
    }
}
