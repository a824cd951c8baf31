/// A step and a value; a value that is not finite is a gap.
pub(super) type Point = (f64, f64);

/// Mean of the finite values within `half` entries either side, gaps staying gaps.
pub(super) fn smooth(points: &[Point], half: usize) -> Vec<Point> {
    let sums = running_sums(points);
    let mean = |i: usize| {
        let (from, to) = (i.saturating_sub(half), (i + half + 1).min(points.len()));
        let (low, high) = (sums[from], sums[to]);
        (high.0 - low.0) / (high.1 - low.1)
    };
    let value = |(i, &(x, y)): (usize, &Point)| (x, if y.is_finite() { mean(i) } else { y });
    points.iter().enumerate().map(value).collect()
}

/// Sum and number of the finite values before each entry, and after the last.
fn running_sums(points: &[Point]) -> Vec<(f64, f64)> {
    let mut sums = vec![(0.0, 0.0)];
    let (mut sum, mut number) = (0.0, 0.0);
    for (_, y) in points {
        if y.is_finite() {
            sum += y;
            number += 1.0;
        }
        sums.push((sum, number));
    }
    sums
}

/// At most `limit` (4 or more) points that keep both ends and each stretch's extremes, so that
/// no spike is lost. A stretch without a finite value stays a gap.
pub(super) fn downsample(points: &[Point], limit: usize) -> Vec<Point> {
    if points.len() <= limit {
        return points.to_vec();
    }
    let [first, inside @ .., last] = points else {
        return points.to_vec();
    };
    let stretches = (limit.saturating_sub(2) / 2).max(1);
    let mut kept = vec![*first];
    kept.extend(inside.chunks(inside.len().div_ceil(stretches)).flat_map(extremes));
    kept.push(*last);
    kept
}

/// The smallest and the largest of a stretch, in their order.
fn extremes(stretch: &[Point]) -> Vec<Point> {
    let finite = || stretch.iter().filter(|p| p.1.is_finite());
    let low = finite().min_by(|a, b| a.1.total_cmp(&b.1));
    let high = finite().max_by(|a, b| a.1.total_cmp(&b.1));
    match (low, high) {
        (Some(low), Some(high)) if low.0 < high.0 => vec![*low, *high],
        (Some(low), Some(high)) if low.0 > high.0 => vec![*high, *low],
        (Some(only), _) => vec![*only],
        _ => stretch.first().map(|p| (p.0, f64::NAN)).into_iter().collect(),
    }
}

/// Smallest and largest finite value.
pub(super) fn range(values: impl Iterator<Item = f64>) -> Option<(f64, f64)> {
    values.filter(|v| v.is_finite()).fold(None, |range, v| match range {
        Some((low, high)) => Some((v.min(low), v.max(high))),
        None => Some((v, v)),
    })
}

/// Mean of the finite values.
pub(super) fn mean(values: impl Iterator<Item = f64>) -> Option<f64> {
    let finite = values.filter(|v| v.is_finite());
    let (sum, number) = finite.fold((0.0, 0.0), |(sum, number), v| (sum + v, number + 1.0));
    (number > 0.0).then(|| sum / number)
}

/// The middle of the finite values; the upper one of the two in the middle of an even number.
pub(super) fn median(values: impl Iterator<Item = f64>) -> Option<f64> {
    let mut finite: Vec<f64> = values.filter(|v| v.is_finite()).collect();
    finite.sort_by(f64::total_cmp);
    finite.get(finite.len() / 2).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wave(n: usize) -> Vec<Point> {
        (0..n).map(|i| (i as f64, (i as f64 * 0.01).sin())).collect()
    }

    #[test]
    fn a_hundred_thousand_steps_keep_their_spikes_and_ends() {
        let mut points = wave(100_000);
        points[31_415].1 = 40.0;
        points[77_777].1 = -40.0;
        let few = downsample(&points, 800);
        assert!(few.len() <= 800 && few.len() > 700, "{}", few.len());
        assert!(few.contains(&points[31_415]) && few.contains(&points[77_777]));
        assert_eq!((few[0], few[few.len() - 1]), (points[0], points[99_999]));
        assert!(few.is_sorted_by(|a, b| a.0 < b.0));
    }

    #[test]
    fn few_points_are_left_alone() {
        let points = wave(800);
        assert_eq!(downsample(&points, 800), points);
        assert_eq!(downsample(&[], 800), []);
    }

    #[test]
    fn a_long_gap_stays_a_gap() {
        let mut points = wave(10_000);
        points[4000..6000].iter_mut().for_each(|p| p.1 = f64::NAN);
        let few = downsample(&points, 100);
        assert!(few.iter().any(|p| p.1.is_nan()));
        assert!(few.iter().filter(|p| (4000.0..6000.0).contains(&p.0)).all(|p| p.1.is_nan()));
    }

    #[test]
    fn smoothing_ignores_gaps_and_keeps_constants() {
        let points = [(0.0, 2.0), (1.0, 2.0), (2.0, f64::NAN), (3.0, 2.0)];
        let smooth = smooth(&points, 1);
        assert!(smooth[2].1.is_nan());
        assert!([0, 1, 3].iter().all(|&i| smooth[i].1 == 2.0));
    }

    #[test]
    fn smoothing_averages_the_neighbours() {
        let points = [(0.0, 0.0), (1.0, 3.0), (2.0, 6.0), (3.0, 0.0)];
        let values: Vec<f64> = smooth(&points, 1).iter().map(|p| p.1).collect();
        assert_eq!(values, [1.5, 3.0, 3.0, 3.0]);
    }

    #[test]
    fn averages_leave_out_what_is_not_finite() {
        let values = [4.0, f64::NAN, 1.0, 10.0, f64::INFINITY];
        assert_eq!(mean(values.into_iter()), Some(5.0));
        assert_eq!(median(values.into_iter()), Some(4.0));
        assert_eq!((mean([f64::NAN].into_iter()), median([].into_iter())), (None, None));
    }

    #[test]
    fn the_range_of_nothing_is_nothing() {
        assert_eq!(range([f64::NAN, f64::INFINITY].into_iter()), None);
        assert_eq!(range([2.0, f64::NAN, -1.0].into_iter()), Some((-1.0, 2.0)));
    }
}
