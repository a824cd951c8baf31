use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::Prediction;

/// Samples with replacement that an interval is made of.
const SAMPLES: usize = 1000;

/// The 95% interval of what `score` makes of predictions, `(low, high)`: the percentiles of a thousand
/// samples of them with replacement (Efron 1979), the same ones every time. For a share, Wilson's
/// interval is the better one.
pub fn bootstrap(predictions: &[Prediction], score: impl Fn(&[Prediction]) -> f64) -> (f64, f64) {
    interval(predictions.len(), SAMPLES, |drawn| {
        score(&drawn.iter().map(|at| predictions[*at].clone()).collect::<Vec<_>>())
    })
}

/// The same of what `score` makes of indices below `count`, from so many samples.
pub(super) fn interval(
    count: usize,
    samples: usize,
    score: impl Fn(&[usize]) -> f64,
) -> (f64, f64) {
    if count == 0 {
        return (f64::NAN, f64::NAN);
    }
    let mut random = ChaCha8Rng::seed_from_u64(0);
    let mut draw = || {
        let drawn: Vec<usize> = (0..count).map(|_| random.random_range(0..count)).collect();
        score(&drawn)
    };
    let mut scores: Vec<f64> = (0..samples).map(|_| draw()).filter(|s| s.is_finite()).collect();
    scores.sort_by(f64::total_cmp);
    let at = |share: f64| scores.get((share * scores.len() as f64) as usize).copied();
    (at(0.025).unwrap_or(f64::NAN), at(0.975).unwrap_or(f64::NAN))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wilson;

    #[test]
    fn it_is_near_wilsons_interval_of_a_share() {
        let one = |n| Prediction { label: 0, rank: usize::from(n % 4 == 0), guesses: Vec::new() };
        let predictions: Vec<_> = (0..400).map(one).collect();
        let share =
            |p: &[Prediction]| p.iter().filter(|p| p.rank == 0).count() as f64 / p.len() as f64;
        let ((low, high), (w_low, w_high)) = (bootstrap(&predictions, share), wilson(300, 400));
        assert!((low - w_low).abs() < 0.01 && (high - w_high).abs() < 0.01, "{low} {high}");
        assert_eq!(bootstrap(&predictions, share), (low, high));
        assert!(bootstrap(&[], share).0.is_nan());
    }
}
