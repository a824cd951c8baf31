//! The scale on which accuracies under a shift of the data lie near a line.

/// Shares beyond these count as these: the logits of 0 and 1 are infinite.
const ENDS: [f64; 2] = [0.001, 0.999];

/// `ln(p / (1 - p))` of a share.
pub fn logit(share: f64) -> f64 {
    let share = share.clamp(ENDS[0], ENDS[1]);
    (share / (1.0 - share)).ln()
}

/// The share of a logit.
pub fn share(logit: f64) -> f64 {
    1.0 / (1.0 + (-logit).exp())
}

/// A line between logits.
pub struct Line {
    /// The logit at 0, a share of one half.
    pub intercept: f64,
    /// Logits that it rises in each.
    pub slope: f64,
}

impl Line {
    /// The line of least squares through points of two shares, on the logit scale. Nothing with fewer
    /// than two points, or where all are above each other.
    pub fn through(points: &[[f64; 2]]) -> Option<Self> {
        let n = points.len() as f64;
        let points: Vec<[f64; 2]> = points.iter().map(|point| point.map(logit)).collect();
        let mean = |axis: usize| points.iter().map(|point| point[axis]).sum::<f64>() / n;
        let (x, y) = (mean(0), mean(1));
        let spread: f64 = points.iter().map(|point| (point[0] - x).powi(2)).sum();
        let common: f64 = points.iter().map(|point| (point[0] - x) * (point[1] - y)).sum();
        let slope = common / spread;
        (points.len() >= 2 && spread > 1e-9).then_some(Self { intercept: y - slope * x, slope })
    }

    /// The share that the line has at a share.
    pub fn at(&self, x: f64) -> f64 {
        share(self.intercept + self.slope * logit(x))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Points of `logit(y) = 0.8 logit(x) - 0.5`, moved up or down by these logits.
    fn points(moved: [f64; 3]) -> Vec<[f64; 2]> {
        let of = |(x, moved): (f64, f64)| [x, share(0.8 * logit(x) - 0.5 + moved)];
        [0.55, 0.7, 0.9].into_iter().zip(moved).map(of).collect()
    }

    #[test]
    fn a_known_line_is_found_again() {
        let line = Line::through(&points([0.0; 3])).unwrap();
        assert!((line.slope - 0.8).abs() < 1e-12 && (line.intercept + 0.5).abs() < 1e-12);
        // The middle of three points at equal distances moves the line, but doesn't turn it.
        let [a, b] = [0.2, 0.8].map(|x| [x, x]);
        let line = Line::through(&[a, b, [0.5, share(0.3)]]).unwrap();
        assert!((line.slope - 1.0).abs() < 1e-12 && (line.intercept - 0.1).abs() < 1e-12);
    }

    #[test]
    fn a_share_is_above_the_line_by_what_is_between() {
        let line = Line::through(&points([0.0; 3])).unwrap();
        // logit(0.75) is ln 3, so the line has exp(0.8 ln 3 - 0.5) to one there.
        let odds = 3f64.powf(0.8) * (-0.5f64).exp();
        assert!((line.at(0.75) - odds / (1.0 + odds)).abs() < 1e-12);
    }

    #[test]
    fn no_line_goes_through_one_point_or_points_above_each_other() {
        assert!(Line::through(&[]).is_none());
        assert!(Line::through(&[[0.5, 0.4]]).is_none());
        assert!(Line::through(&[[0.5, 0.4], [0.5, 0.3]]).is_none());
    }

    #[test]
    fn none_and_all_have_logits_too() {
        assert_eq!((logit(0.0), logit(1.0)), (logit(0.001), logit(0.999)));
        assert!((logit(1.0) - 999f64.ln()).abs() < 1e-9 && (share(logit(0.3)) - 0.3).abs() < 1e-12);
    }
}
