//! Which texts occur most often among many.

use std::cmp::Reverse;
use std::collections::HashMap;

use serde::Serialize;

use super::{hash_of, start_of};

/// Longer texts are told apart by all of their characters, but only so many are shown.
const SHOWN_CHARACTERS: usize = 200;

/// Counts texts within a limit, as Misra and Gries do: when there are too many, every count is
/// lowered by the one in the middle, and those that reach zero are forgotten. Such counts can be
/// merged (Agarwal et al. 2012).
pub(super) struct RankingCounter {
    counts: HashMap<u64, (u64, Box<str>)>,
    limit: usize,
    total: u64,
    lowered: u64,
}

/// The most frequent texts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Ranking {
    /// How many texts were counted, repeats included.
    pub total: u64,
    /// Texts (their first 200 characters) and how often they occur, the most frequent first.
    pub entries: Vec<(String, u64)>,
    /// By how much each count may be too low; zero where all texts fitted into memory.
    pub too_low_by: u64,
}

impl RankingCounter {
    pub fn new(limit: usize) -> Self {
        Self { counts: HashMap::new(), limit: limit.max(2), total: 0, lowered: 0 }
    }

    pub fn add(&mut self, text: &str) {
        self.total += 1;
        let shown = || start_of(text, SHOWN_CHARACTERS).into();
        self.counts.entry(hash_of(text.as_bytes())).or_insert_with(|| (0, shown())).0 += 1;
        self.keep_limit();
    }

    pub fn merge(&mut self, other: Self) {
        self.total += other.total;
        self.lowered += other.lowered;
        for (hash, (count, text)) in other.counts {
            self.counts.entry(hash).or_insert((0, text)).0 += count;
        }
        self.keep_limit();
    }

    pub fn finish(self, top: usize) -> Ranking {
        let mut entries: Vec<(String, u64)> =
            self.counts.into_values().map(|(count, text)| (text.into(), count)).collect();
        entries.sort_unstable_by(|a, b| (Reverse(a.1), &a.0).cmp(&(Reverse(b.1), &b.0)));
        entries.truncate(top);
        Ranking { total: self.total, entries, too_low_by: self.lowered }
    }

    fn keep_limit(&mut self) {
        if self.counts.len() <= self.limit {
            return;
        }
        let mut counts: Vec<u64> = self.counts.values().map(|(count, _)| *count).collect();
        let (_, middle, _) =
            counts.select_nth_unstable_by_key(self.limit / 2, |count| Reverse(*count));
        let middle = *middle;
        self.lowered += middle;
        self.counts.retain(|_, (count, _)| {
            *count = count.saturating_sub(middle);
            *count > 0
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn within_the_limit_counts_are_exact_and_ties_are_alphabetical() {
        let mut counter = RankingCounter::new(10);
        ["b", "a", "c", "a"].iter().for_each(|text| counter.add(text));
        let mut other = RankingCounter::new(10);
        ["c", "c"].iter().for_each(|text| other.add(text));
        counter.merge(other);
        let ranking = counter.finish(3);
        let wanted = [("c", 3), ("a", 2), ("b", 1)].map(|(text, count)| (text.to_owned(), count));
        assert_eq!((ranking.entries.as_slice(), ranking.total), (wanted.as_slice(), 6));
        assert_eq!(ranking.too_low_by, 0);
    }

    #[test]
    fn a_stream_of_rare_texts_neither_fills_memory_nor_hides_the_frequent() {
        let mut counter = RankingCounter::new(100);
        for number in 0..50_000 {
            counter.add(&format!("rare {number}"));
            if number % 10 == 0 {
                counter.add("frequent");
            }
            assert!(counter.counts.len() <= 100);
        }
        let ranking = counter.finish(1);
        let (text, count) = &ranking.entries[0];
        assert_eq!(text, "frequent");
        assert!(*count <= 5000 && count + ranking.too_low_by >= 5000, "{ranking:?}");
        assert!(ranking.too_low_by <= 55_000 / 50, "{}", ranking.too_low_by);
    }

    #[test]
    fn long_texts_are_told_apart_and_shown_in_part() {
        let mut counter = RankingCounter::new(10);
        let long = "ü".repeat(10_000);
        [&long, &format!("{long}!"), &long].iter().for_each(|text| counter.add(text));
        let ranking = counter.finish(9);
        assert_eq!(ranking.entries.iter().map(|entry| entry.1).collect::<Vec<_>>(), [2, 1]);
        assert_eq!(ranking.entries[0].0, format!("{}…", "ü".repeat(200)));
    }
}
