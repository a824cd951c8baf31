//! How many distinct things there are among many.

use std::collections::HashMap;

use serde::Serialize;

use super::distribution::Distribution;

/// Counts distinct things by their hashes within a limit.
///
/// Up to the limit every hash is remembered. Beyond it, only those that end in a zero bit, then in
/// two, and so on (adaptive sampling, Flajolet 1990): what is remembered depends on the set of
/// hashes alone, not on their order, and each remembered hash was counted from its first time on.
pub(super) struct DistinctCounter {
    counts: HashMap<u64, u64>,
    /// How many zero bits a remembered hash ends in at least.
    zeros: u32,
    limit: usize,
    seen: u64,
}

/// How often things repeat. Exact where `one_in` is 1, else estimated from one in so many of the
/// distinct things, chosen by their hashes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Distinct {
    /// How many things there are, repeats included; always exact.
    pub seen: u64,
    /// How many of them differ.
    pub distinct: u64,
    /// How many things have an equal one elsewhere.
    pub shared: u64,
    /// How often each distinct thing occurs, of those that were remembered.
    pub occurrences: Distribution,
    /// One in so many distinct things was remembered.
    pub one_in: u64,
}

impl Distinct {
    /// How many things repeat an earlier one.
    pub fn repeats(&self) -> u64 {
        self.seen.saturating_sub(self.distinct)
    }
}

impl DistinctCounter {
    pub fn new(limit: usize) -> Self {
        Self { counts: HashMap::new(), zeros: 0, limit, seen: 0 }
    }

    pub fn add(&mut self, hash: u64) {
        self.add_many(hash, 1);
        self.seen += 1;
    }

    pub fn merge(&mut self, other: Self) {
        self.seen += other.seen;
        if other.zeros > self.zeros {
            self.zeros = other.zeros;
            self.forget();
        }
        for (hash, count) in other.counts {
            self.add_many(hash, count);
        }
    }

    pub fn finish(self) -> Distinct {
        let one_in = 1 << self.zeros;
        let estimate = |remembered: u64| (remembered * one_in).min(self.seen);
        let mut occurrences = Distribution::default();
        self.counts.values().for_each(|count| occurrences.add(*count));
        let shared = self.counts.values().filter(|count| **count > 1).sum();
        Distinct {
            seen: self.seen,
            distinct: estimate(self.counts.len() as u64),
            shared: estimate(shared),
            occurrences,
            one_in,
        }
    }

    fn add_many(&mut self, hash: u64, times: u64) {
        if hash.trailing_zeros() < self.zeros {
            return;
        }
        *self.counts.entry(hash).or_default() += times;
        while self.counts.len() > self.limit && self.zeros < u64::BITS - 1 {
            self.zeros += 1;
            self.forget();
        }
    }

    fn forget(&mut self) {
        let zeros = self.zeros;
        self.counts.retain(|hash, _| hash.trailing_zeros() >= zeros);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::statistics::hash_of;

    /// Counts `each` of `0..distinct`, the last first when `backwards`.
    fn count(distinct: u64, each: u64, limit: usize, backwards: bool) -> DistinctCounter {
        let mut counter = DistinctCounter::new(limit);
        for number in 0..distinct * each {
            let number = if backwards { distinct * each - 1 - number } else { number };
            counter.add(hash_of(&(number % distinct).to_le_bytes()));
        }
        counter
    }

    #[test]
    fn within_the_limit_the_numbers_are_exact() {
        let mut counter = count(100, 3, 1000, false);
        counter.merge(count(150, 1, 1000, false));
        let found = counter.finish();
        assert_eq!((found.seen, found.distinct, found.repeats()), (450, 150, 300));
        assert_eq!((found.shared, found.one_in), (400, 1));
        assert_eq!(found.occurrences.ends(), Some((1, 4)));
    }

    #[test]
    fn beyond_the_limit_memory_stays_and_numbers_are_near() {
        let counter = count(200_000, 2, 4096, false);
        assert!(counter.counts.len() <= 4096);
        let found = counter.finish();
        assert!((found.distinct as f64 / 200_000.0 - 1.0).abs() < 0.06, "{}", found.distinct);
        assert!(found.one_in >= 64);
        assert_eq!(found.occurrences.ends(), Some((2, 2)), "each was counted from its start");
    }

    #[test]
    fn order_and_parts_change_nothing() {
        let whole = count(20_000, 2, 1000, false).finish();
        assert_eq!(count(20_000, 2, 1000, true).finish(), whole);
        let mut parts = count(20_000, 1, 1000, true);
        parts.merge(count(20_000, 1, 1000, false));
        assert_eq!(parts.finish(), whole);
    }
}
