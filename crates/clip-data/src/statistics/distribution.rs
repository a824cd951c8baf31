//! How whole numbers are distributed.

use std::collections::BTreeMap;
use std::ops::Range;

use serde::Serialize;

/// Numbers below two to the power of this are kept exactly.
const EXACT_BITS: u32 = 11;

/// Whole numbers, counted: exact below 2,048, rounded down by less than 0.1% from there, so that
/// a few thousand counters hold any amount of them. As JSON, a summary.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(into = "Summary")]
pub struct Distribution {
    counts: BTreeMap<u64, u64>,
    count: u64,
    sum: u128,
    ends: Option<(u64, u64)>,
}

impl Distribution {
    /// How many numbers there are.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The sum of all numbers, exactly.
    pub fn sum(&self) -> u128 {
        self.sum
    }

    /// The least and the greatest number, exactly; `None` when there are none.
    pub fn ends(&self) -> Option<(u64, u64)> {
        self.ends
    }

    /// The mean; `None` when there are no numbers.
    pub fn mean(&self) -> Option<f64> {
        (self.count > 0).then(|| self.sum as f64 / self.count as f64)
    }

    /// The least number that a share of all numbers, in `0.0..=1.0`, doesn't exceed; `None` when
    /// there are no numbers.
    pub fn quantile(&self, share: f64) -> Option<u64> {
        let (least, most) = self.ends?;
        let wanted = ((share * self.count as f64).ceil() as u64).clamp(1, self.count);
        let mut below = 0;
        let found = self.counts.iter().find(|(_, count)| {
            below += **count;
            below >= wanted
        });
        found.map(|(value, _)| (*value).clamp(least, most))
    }

    /// How many numbers lie in a range, to within the rounding.
    pub fn within(&self, range: Range<u64>) -> u64 {
        if range.is_empty() { 0 } else { self.counts.range(range).map(|(_, count)| count).sum() }
    }

    pub(super) fn add(&mut self, value: u64) {
        self.add_many(value, 1);
    }

    pub(super) fn add_many(&mut self, value: u64, times: u64) {
        *self.counts.entry(rounded(value)).or_default() += times;
        self.count += times;
        self.sum += u128::from(value) * u128::from(times);
        self.widen((value, value));
    }

    pub(super) fn merge(&mut self, other: Self) {
        for (value, count) in other.counts {
            *self.counts.entry(value).or_default() += count;
        }
        self.count += other.count;
        self.sum += other.sum;
        if let Some(ends) = other.ends {
            self.widen(ends);
        }
    }

    fn widen(&mut self, (low, high): (u64, u64)) {
        let (least, most) = self.ends.unwrap_or((low, high));
        self.ends = Some((least.min(low), most.max(high)));
    }
}

/// The number with all but its leading binary digits zero.
fn rounded(value: u64) -> u64 {
    let digits = u64::BITS - value.leading_zeros();
    let dropped = digits.saturating_sub(EXACT_BITS);
    value >> dropped << dropped
}

/// What is written of a distribution.
#[derive(Serialize)]
struct Summary {
    count: u64,
    mean: Option<f64>,
    least: Option<u64>,
    percentile_5: Option<u64>,
    median: Option<u64>,
    percentile_95: Option<u64>,
    percentile_99: Option<u64>,
    most: Option<u64>,
}

impl From<Distribution> for Summary {
    fn from(of: Distribution) -> Self {
        Self {
            count: of.count,
            mean: of.mean(),
            least: of.ends.map(|ends| ends.0),
            percentile_5: of.quantile(0.05),
            median: of.quantile(0.5),
            percentile_95: of.quantile(0.95),
            percentile_99: of.quantile(0.99),
            most: of.ends.map(|ends| ends.1),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(values: impl IntoIterator<Item = u64>) -> Distribution {
        let mut distribution = Distribution::default();
        values.into_iter().for_each(|value| distribution.add(value));
        distribution
    }

    #[test]
    fn quantiles_of_small_numbers_are_exact() {
        let all = of(1..=100);
        let quantiles = [0.0, 0.05, 0.5, 0.951, 1.0].map(|share| all.quantile(share).unwrap());
        assert_eq!(quantiles, [1, 5, 50, 96, 100]);
        assert_eq!((all.mean(), all.within(10..20), all.within(5..5)), (Some(50.5), 10, 0));
        let none = of([]);
        assert_eq!((none.quantile(0.5), none.mean(), none.ends()), (None, None, None));
    }

    #[test]
    fn large_numbers_are_near_and_take_few_counters() {
        let all = of((0..1_000_000).map(|number| number * 1_000_003));
        let median = all.quantile(0.5).unwrap() as f64;
        assert!((median / (500_000.0 * 1_000_003.0) - 1.0).abs() < 0.001, "{median}");
        assert_eq!(all.ends(), Some((0, 999_999 * 1_000_003)));
        assert!(all.counts.len() < 30_000, "{} counters", all.counts.len());
        assert_eq!(of([u64::MAX]).quantile(0.5), Some(u64::MAX), "clamped to what is there");
    }

    #[test]
    fn parts_make_the_whole() {
        let mut parts = of(0..500);
        parts.merge(of(500..4000));
        parts.merge(of([]));
        assert_eq!(parts, of(0..4000));
    }
}
