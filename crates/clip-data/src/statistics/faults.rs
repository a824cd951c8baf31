//! Faults by cause, the first few of each named.

use std::collections::BTreeMap;

use serde::Serialize;

use super::start_of;
use crate::{Cause, Fault};

/// How many faults of a cause are named.
const NAMED: usize = 5;

/// A key or a reason may be of any length.
const NAMED_CHARACTERS: usize = 400;

/// The faults of one cause.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FaultCount {
    /// What is wrong.
    pub cause: Cause,
    /// How often.
    pub count: u64,
    /// The first few in the corpus's order: shard, sample and reason.
    pub first: Vec<String>,
}

#[derive(Default)]
pub(super) struct FaultCounter(BTreeMap<Cause, FaultCount>);

impl FaultCounter {
    pub fn add(&mut self, fault: &Fault) {
        let entry = self.entry(fault.cause);
        entry.count += 1;
        if entry.first.len() < NAMED {
            entry.first.push(start_of(&fault.to_string(), NAMED_CHARACTERS));
        }
    }

    /// Adds the faults of a later part.
    pub fn merge(&mut self, later: Self) {
        for (cause, faults) in later.0 {
            let entry = self.entry(cause);
            entry.count += faults.count;
            entry.first.extend(faults.first);
            entry.first.truncate(NAMED);
        }
    }

    /// The most frequent cause first.
    pub fn finish(self) -> Vec<FaultCount> {
        let mut faults: Vec<_> = self.0.into_values().collect();
        faults.sort_by_key(|entry| std::cmp::Reverse(entry.count));
        faults
    }

    fn entry(&mut self, cause: Cause) -> &mut FaultCount {
        self.0.entry(cause).or_insert(FaultCount { cause, count: 0, first: vec![] })
    }
}
