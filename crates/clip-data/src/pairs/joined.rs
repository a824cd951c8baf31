//! Several sources as one.

use super::PairSource;
use super::source::past_the_end;
use crate::{Fault, RawPair};

/// Sources one after the other.
pub(super) struct JoinedPairs {
    /// Each with the number of pairs up to its end.
    sources: Vec<(usize, Box<dyn PairSource>)>,
    name: String,
}

impl JoinedPairs {
    pub(super) fn new(sources: Vec<Box<dyn PairSource>>) -> Self {
        let names: Vec<_> = sources.iter().map(|source| source.name()).collect();
        let name = names.join(", ");
        let mut end = 0;
        let with_end = |source: Box<dyn PairSource>| {
            end += source.len();
            (end, source)
        };
        Self { sources: sources.into_iter().map(with_end).collect(), name }
    }
}

impl PairSource for JoinedPairs {
    fn len(&self) -> usize {
        self.sources.last().map_or(0, |(end, _)| *end)
    }

    fn get(&self, index: usize) -> Result<RawPair, Fault> {
        let at = self.sources.partition_point(|(end, _)| *end <= index);
        let (end, source) = self.sources.get(at).ok_or_else(|| past_the_end(self, index))?;
        source.get(index + source.len() - end)
    }

    fn name(&self) -> &str {
        &self.name
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SyntheticPairs;

    #[test]
    fn indices_run_on_from_one_source_to_the_next() {
        let synthetic = |pairs| SyntheticPairs::new(pairs, 8, 8).unwrap();
        let sources: Vec<Box<dyn PairSource>> =
            vec![Box::new(synthetic(2)), Box::new(synthetic(3))];
        let joined = JoinedPairs::new(sources);
        assert_eq!((joined.len(), joined.name()), (5, "synthetic:2x8x8, synthetic:3x8x8"));
        for (index, within) in [0, 1, 0, 1, 2].into_iter().enumerate() {
            assert_eq!(joined.get(index).unwrap(), synthetic(3).get(within).unwrap());
        }
        let message = joined.get(5).unwrap_err().to_string();
        assert!(message.contains("pair 5 was asked for, but there are 5"), "{message}");
    }
}
