//! Faults by cause, the first few in full.

use std::collections::BTreeMap;
use std::fmt;

use crate::{Cause, Fault};

/// Counts of faults by cause, and the first few of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FaultTally {
    counts: BTreeMap<Cause, u64>,
    first: Vec<Fault>,
    named: usize,
}

impl FaultTally {
    /// An empty tally that keeps the first `named` faults in full.
    pub fn new(named: usize) -> Self {
        Self { named, ..Self::default() }
    }

    /// Counts a fault.
    pub fn add(&mut self, fault: Fault) {
        *self.counts.entry(fault.cause).or_default() += 1;
        if self.first.len() < self.named {
            self.first.push(fault);
        }
    }

    /// Faults in all.
    pub fn total(&self) -> u64 {
        self.counts.values().sum()
    }

    /// Faults of one cause.
    pub fn count(&self, cause: Cause) -> u64 {
        self.counts.get(&cause).copied().unwrap_or_default()
    }

    /// The first faults, as many as are kept.
    pub fn first(&self) -> &[Fault] {
        &self.first
    }
}

/// A line of counts, and a line for each fault that is kept; nothing when there is no fault.
impl fmt::Display for FaultTally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.counts.is_empty() {
            return Ok(());
        }
        let counts: Vec<_> =
            self.counts.iter().map(|(cause, count)| format!("{cause}: {count}")).collect();
        writeln!(f, "{}", counts.join(", "))?;
        for fault in &self.first {
            writeln!(f, "  {fault}")?;
        }
        match self.total() - self.first.len() as u64 {
            0 => Ok(()),
            more => writeln!(f, "  and {more} more"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_faults_are_counted_and_the_first_shown() {
        let mut tally = FaultTally::new(1);
        assert_eq!(tally.to_string(), "");
        for (cause, key) in [(Cause::NoImage, "a"), (Cause::NoCaption, "b"), (Cause::NoImage, "c")]
        {
            let (shard, reason) = ("s.tar".to_owned(), "bad".to_owned());
            tally.add(Fault { cause, shard, key: key.to_owned(), reason });
        }
        assert_eq!((tally.total(), tally.count(Cause::NoImage)), (3, 2));
        let shown = "no image: 2, no caption: 1\n  s.tar: sample `a`: bad\n  and 2 more\n";
        assert_eq!(tally.to_string(), shown);
    }
}
