/// A linear scale with its ticks.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Axis {
    low: f64,
    high: f64,
    /// Distance between ticks.
    pub step: f64,
    /// Round values from low to high.
    pub ticks: Vec<f64>,
}

impl Axis {
    /// Widens the range to round values, so that the first and the last tick are its ends;
    /// about `target` ticks. Zero joins the range where it is near enough to compare with.
    pub fn covering(low: f64, high: f64, target: usize) -> Self {
        let (low, high) = reach_zero(low, high);
        let step = round_step((high - low) / target as f64);
        if !step.is_normal() {
            // Beyond what floating point can divide: any scale will do.
            return Self::covering(0.0, 1.0, target);
        }
        let (first, last) = ((low / step).floor(), (high / step).ceil());
        Self { low: first * step, high: last * step, step, ticks: multiples(first, last, step) }
    }

    /// Keeps the range of whole numbers as it is, with about `target` ticks inside it.
    pub fn whole(low: u64, high: u64, target: usize) -> Self {
        let (low, high) = (low as f64, high as f64);
        if low == high {
            // One value has no scale: put it in the middle.
            return Self { low: low - 1.0, high: high + 1.0, step: 1.0, ticks: vec![low] };
        }
        let low = if low <= (high - low) * 0.05 { 0.0 } else { low };
        let step = round_step((high - low) / target as f64).max(1.0);
        let (first, last) = ((low / step).ceil(), (high / step).floor());
        Self { low, high, step, ticks: multiples(first, last, step) }
    }

    /// Where a value lies: 0 at the low end, 1 at the high end.
    pub fn place(&self, value: f64) -> f64 {
        (value - self.low) / (self.high - self.low)
    }
}

/// Extends the range to zero unless it is short and far away. A range of no length, but for
/// rounding, has no scale of its own and always reaches zero.
fn reach_zero(low: f64, high: f64) -> (f64, f64) {
    let flat = high - low <= 1e-4 * low.abs().max(high.abs());
    match (low, high) {
        (0.0, 0.0) => (0.0, 1.0),
        (low, high) if low > 0.0 && (flat || low < high * 0.5) => (0.0, high),
        (low, high) if high < 0.0 && (flat || high > low * 0.5) => (low, 0.0),
        range => range,
    }
}

/// The smallest 1, 2 or 5 times a power of ten that is no smaller than `at_least`.
fn round_step(at_least: f64) -> f64 {
    let magnitude = 10f64.powf(at_least.log10().floor());
    let rounds = [1.0, 2.0, 5.0].map(|m| m * magnitude);
    // The slack keeps 0.2 a step of 0.2 when it arrives as 0.2000000001.
    rounds.into_iter().find(|step| *step * (1.0 + 1e-9) >= at_least).unwrap_or(10.0 * magnitude)
}

/// Multiplying, not adding up, so that errors do not grow along the axis.
fn multiples(first: f64, last: f64, step: f64) -> Vec<f64> {
    (first as i64..=last as i64).map(|i| i as f64 * step).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_cover_the_range() {
        let axis = Axis::covering(1.13, 6.97, 4);
        assert_eq!(axis.ticks, [0.0, 2.0, 4.0, 6.0, 8.0]);
        assert_eq!((axis.place(0.0), axis.place(8.0)), (0.0, 1.0));
    }

    #[test]
    fn a_narrow_range_far_from_zero_stays_narrow() {
        let axis = Axis::covering(96.2, 99.0, 4);
        assert_eq!(axis.ticks, [96.0, 97.0, 98.0, 99.0]);
    }

    #[test]
    fn steps_keep_their_range_and_start_at_zero_when_close() {
        let axis = Axis::whole(1, 2350, 5);
        assert_eq!(axis.ticks, [0.0, 500.0, 1000.0, 1500.0, 2000.0]);
        assert_eq!(axis.place(2350.0), 1.0);
        assert_eq!(Axis::whole(9000, 10_000, 5).place(9000.0), 0.0);
        assert_eq!(Axis::whole(1, 3, 5).ticks, [1.0, 2.0, 3.0]);
    }

    #[test]
    fn a_single_value_has_a_place() {
        assert_eq!(Axis::whole(1, 1, 5).place(1.0), 0.5);
        for value in [0.0, 3.0, 5e-4, -2.0] {
            let place = Axis::covering(value, value, 4).place(value);
            assert!((0.0..=1.0).contains(&place), "{value} at {place}");
        }
    }

    #[test]
    fn values_that_differ_by_rounding_are_one_value() {
        let (low, high) = (14.285_714_285_714_285, 14.285_714_285_714_286_f64.next_up());
        assert_eq!(Axis::covering(low, high, 3).ticks, [0.0, 5.0, 10.0, 15.0]);
    }

    #[test]
    fn absurd_ranges_still_end() {
        let least = f64::from_bits(1);
        for (low, high) in [(0.0, least), (-f64::MAX, f64::MAX), (0.0, f64::MAX), (1e17, 2e17)] {
            let axis = Axis::covering(low, high, 4);
            assert!(axis.ticks.len() < 8 && axis.place(high).is_finite(), "{low} to {high}");
        }
    }

    #[test]
    fn every_magnitude_gets_a_handful_of_ticks() {
        for exponent in -12..12 {
            for mantissa in [1.0, 1.7, 2.4, 5.1, 9.9] {
                let high = mantissa * 10f64.powi(exponent);
                let ticks = Axis::covering(0.0, high, 4).ticks.len();
                assert!((3..=5).contains(&ticks), "{ticks} ticks up to {high}");
            }
        }
    }
}
