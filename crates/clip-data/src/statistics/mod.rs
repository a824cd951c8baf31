//! What a corpus is made of, gathered in one pass: what a person looks at before training.
//!
//! ```text
//! Corpus -> parts (shards, runs of files) -> one gatherer a part, on threads -> merged in order
//! ```
//!
//! Memory is bounded by [`StatisticsConfig`], whatever the corpus: beyond the limits, numbers of
//! distinct things become estimates and rankings become lower bounds, and both say so. The result
//! depends on the corpus and the settings, not on the threads.

mod captions;
mod concepts;
mod config;
mod corpus;
mod distinct;
mod distribution;
mod faults;
mod folder;
mod gather;
mod gatherer;
mod images;
mod pairs;
mod picks;
mod ranking;
mod script;
#[cfg(test)]
mod tests;
mod words;

use std::hash::{DefaultHasher, Hasher};

pub use captions::CaptionStatistics;
pub use concepts::ConceptStatistics;
pub use config::StatisticsConfig;
pub use corpus::Corpus;
pub use distinct::Distinct;
pub use distribution::Distribution;
pub use faults::FaultCount;
pub use gather::{Seen, gather};
pub use gatherer::{PartStatistics, Statistics};
pub use images::ImageStatistics;
pub use picks::Pick;
pub use ranking::Ranking;

/// The start of a text, of so many characters; what was left out is marked by `…`.
fn start_of(text: &str, characters: usize) -> String {
    match text.char_indices().nth(characters) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// The 64-bit hash by which equal things are recognised.
fn hash_of(bytes: &[u8]) -> u64 {
    // With fixed keys: the same in every thread and every run.
    let mut hasher = DefaultHasher::new();
    hasher.write(bytes);
    hasher.finish()
}
