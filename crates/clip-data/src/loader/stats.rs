//! Counts of what a loader passed over.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

use crate::{Cause, Fault};

/// How many faults are named in full.
const NAMED: usize = 5;

/// What a loader has read since it started, up to the batch it returned last.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct LoaderStats {
    /// Samples read, usable or not.
    pub seen: u64,
    /// Unusable samples, by cause.
    pub bad: BTreeMap<Cause, u64>,
    /// The first few faults: shard, key and reason.
    pub first: Vec<String>,
    /// Samples that the caption filter left out.
    pub filtered: u64,
    /// Samples left out of their epoch because too many of their concept were waiting.
    pub crowded_out: u64,
}

impl LoaderStats {
    /// Unusable samples in all.
    pub fn bad_total(&self) -> u64 {
        self.bad.values().sum()
    }

    pub(super) fn count(&mut self, fault: &Fault) {
        if fault.cause == Cause::Filtered {
            self.filtered += 1;
            return;
        }
        *self.bad.entry(fault.cause).or_default() += 1;
        if self.first.len() < NAMED {
            self.first.push(fault.to_string());
        }
    }
}

impl fmt::Display for LoaderStats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {} samples unusable", self.bad_total(), self.seen)?;
        for (index, (cause, count)) in self.bad.iter().enumerate() {
            write!(f, "{} {cause}: {count}", if index == 0 { ":" } else { "," })?;
        }
        if !self.first.is_empty() {
            write!(f, "; first: {}", self.first.join("; "))?;
        }
        if self.filtered > 0 {
            write!(f, "; {} filtered out", self.filtered)?;
        }
        Ok(())
    }
}
