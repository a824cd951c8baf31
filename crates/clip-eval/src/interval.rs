use statrs::function::beta::{beta_reg, inv_beta_reg};

/// Quantile of the standard normal for a two-sided 95% interval.
const Z: f64 = 1.959_963_984_540_054;

/// Wilson's 95% interval of a share, `(low, high)` in `0..=1`.
///
/// Unlike the textbook interval it is right near 0 and 1 and for small samples (Wilson 1927).
pub fn wilson(successes: usize, n: usize) -> (f64, f64) {
    if n == 0 {
        return (0.0, 1.0);
    }
    let n = n as f64;
    let share = successes as f64 / n;
    let spread = Z * ((share * (1.0 - share) + Z * Z / (4.0 * n)) / n).sqrt();
    let centre = share + Z * Z / (2.0 * n);
    let scale = 1.0 + Z * Z / n;
    (((centre - spread) / scale).max(0.0), ((centre + spread) / scale).min(1.0))
}

/// Clopper and Pearson's interval of a share (1934), which holds it at least as often as `confidence`
/// says, `(low, high)` in `0..=1`.
pub fn clopper_pearson(successes: usize, n: usize, confidence: f64) -> (f64, f64) {
    let (k, of, tail) = (successes as f64, n as f64, (1.0 - confidence) / 2.0);
    let low = if successes == 0 { 0.0 } else { inv_beta_reg(k, of - k + 1.0, tail) };
    let high = if successes >= n { 1.0 } else { inv_beta_reg(k + 1.0, of - k, 1.0 - tail) };
    (low, high)
}

/// How likely at least so many successes of `n` are, each of which comes with a chance of `share`.
pub fn binomial_at_least(successes: usize, n: usize, share: f64) -> f64 {
    match successes {
        0 => 1.0,
        k => beta_reg(k as f64, (n - k.min(n)) as f64 + 1.0, share.clamp(0.0, 1.0)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Values of SciPy 1.17.1's `binomtest` and its `proportion_ci(0.995, method="exact")`.
    #[test]
    fn exact_intervals_and_tests_equal_those_of_scipy() {
        for (k, n, share, p, low, high) in [
            (0, 10, 0.3, 1.0, 0.0, 0.450_719_728_346_941_1),
            (10, 10, 0.3, 5.904_899_999_999_997_5e-6, 0.549_280_271_653_058_9, 1.0),
            (
                7,
                10,
                0.3,
                0.010_592_078_399_999_996,
                0.236_726_833_648_444_6,
                0.971_044_246_591_742_9,
            ),
            (
                300,
                1000,
                0.27,
                0.018_590_734_302_032_612,
                0.260_039_905_704_786_1,
                0.342_226_604_595_029_7,
            ),
            (
                12,
                4000,
                0.003,
                0.538_574_512_554_613_5,
                0.001_131_439_195_418_366_5,
                0.006_342_988_719_782_701,
            ),
        ] {
            let (ours_low, ours_high) = clopper_pearson(k, n, 0.995);
            assert!((ours_low - low).abs() < 1e-9, "{k}/{n}: {ours_low}");
            assert!((ours_high - high).abs() < 1e-9, "{k}/{n}: {ours_high}");
            let ours = binomial_at_least(k, n, share);
            assert!((ours - p).abs() < 1e-9, "{k}/{n}: {ours}");
        }
    }

    /// Values of statsmodels 0.15's `proportion_confint(..., method="wilson")`.
    #[test]
    fn intervals_equal_those_of_statsmodels() {
        for (successes, n, low, high) in [
            (0, 10, 0.0, 0.277_532_799_862_889_26),
            (5, 10, 0.236_593_090_512_563_94, 0.763_406_909_487_436_1),
            (200, 1594, 0.110_104_008_664_008_07, 0.142_637_874_200_111_73),
        ] {
            let (ours_low, ours_high) = wilson(successes, n);
            assert!((ours_low - low).abs() < 1e-9, "{successes}/{n}: {ours_low}");
            assert!((ours_high - high).abs() < 1e-9, "{successes}/{n}: {ours_high}");
        }
    }

    #[test]
    fn nothing_seen_says_nothing() {
        assert_eq!(wilson(0, 0), (0.0, 1.0));
    }
}
