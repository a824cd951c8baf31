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

#[cfg(test)]
mod tests {
    use super::*;

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
