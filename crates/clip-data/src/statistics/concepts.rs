//! What samples say they show, by a name that images of the same thing share.

use serde::Serialize;

use super::config::StatisticsConfig;
use super::distinct::{Distinct, DistinctCounter};
use super::hash_of;
use super::ranking::{Ranking, RankingCounter};

/// The concepts of a corpus; `distinct.seen` samples have one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ConceptStatistics {
    /// How many concepts there are, and how many samples share one.
    pub distinct: Distinct,
    /// The concepts with the most samples.
    pub frequent: Ranking,
}

pub(super) struct ConceptCounter {
    distinct: DistinctCounter,
    frequent: RankingCounter,
}

impl ConceptCounter {
    pub fn new(config: &StatisticsConfig) -> Self {
        Self {
            distinct: DistinctCounter::new(config.max_distinct),
            frequent: RankingCounter::new(config.max_ranked),
        }
    }

    pub fn add(&mut self, concept: &str) {
        self.distinct.add(hash_of(concept.as_bytes()));
        self.frequent.add(concept);
    }

    pub fn merge(&mut self, other: Self) {
        self.distinct.merge(other.distinct);
        self.frequent.merge(other.frequent);
    }

    pub fn finish(self, top: usize) -> ConceptStatistics {
        ConceptStatistics { distinct: self.distinct.finish(), frequent: self.frequent.finish(top) }
    }
}
