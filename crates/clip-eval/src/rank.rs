/// How many of `scores` are at least as large as the one at `index`, itself not counted.
///
/// Ties count against the answer and so does a score that is not a number: a broken model must
/// never look good.
pub(crate) fn rank(scores: &[f32], index: usize) -> usize {
    let own = scores[index];
    if !own.is_finite() {
        return scores.len();
    }
    scores.iter().filter(|score| **score >= own || score.is_nan()).count() - 1
}

/// The indices of the `k` largest scores, largest first.
pub(crate) fn top(scores: &[f32], k: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..scores.len()).collect();
    order.sort_by(|a, b| scores[*b].total_cmp(&scores[*a]));
    order.truncate(k);
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_score_has_rank_zero() {
        assert_eq!(rank(&[0.1, 0.9, 0.5], 1), 0);
        assert_eq!(rank(&[0.1, 0.9, 0.5], 0), 2);
    }

    #[test]
    fn ties_and_numbers_that_are_none_count_against_the_answer() {
        assert_eq!(rank(&[0.5, 0.5, 0.5], 1), 2);
        assert_eq!(rank(&[f32::NAN, 0.5], 1), 1);
        assert_eq!(rank(&[f32::NAN, 0.5], 0), 2);
    }

    #[test]
    fn the_top_is_in_order() {
        assert_eq!(top(&[0.1, 0.9, 0.5, 0.7], 3), [1, 3, 2]);
    }
}
