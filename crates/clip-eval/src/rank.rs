use burn::tensor::Tensor;

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

/// Rows of a gallery that are compared with queries at once: a copy of them is small.
const ROWS: usize = 1 << 15;

/// Scores that are held at once.
const SCORES: usize = 1 << 24;

/// For each query the [`rank`] of the best of its right answers in a gallery, without ever holding all
/// scores.
///
/// # Shapes
///
/// - queries: `[queries, embed]`
/// - gallery: `[answers, embed]`
/// - right: for each query the indices of its right answers; a query without one finds nothing, its
///   rank is past every other
pub(crate) fn ranks(queries: &Tensor<2>, gallery: &Tensor<2>, right: &[Vec<usize>]) -> Vec<usize> {
    let rows = ROWS.min(gallery.dims()[0]).max(1);
    let count = (SCORES / rows).max(1);
    let blocks = right.chunks(count).enumerate();
    let ranks = blocks.map(|(block, right)| {
        let queries = queries.clone().narrow(0, block * count, right.len());
        ranks_of(queries, gallery, rows, right)
    });
    ranks.collect::<Vec<_>>().concat()
}

fn ranks_of(
    queries: Tensor<2>,
    gallery: &Tensor<2>,
    rows: usize,
    right: &[Vec<usize>],
) -> Vec<usize> {
    let answers = gallery.dims()[0];
    // Of the same shapes both times: the same scores, to the last bit.
    let scores = |start: usize| {
        let part = gallery.clone().narrow(0, start, rows.min(answers - start));
        queries.clone().matmul(part.transpose())
    };
    let mut best = vec![f32::NEG_INFINITY; right.len()];
    let mut is_nan = vec![false; right.len()];
    for start in (0..answers).step_by(rows) {
        let end = (start + rows).min(answers);
        let is_here = |answer: &&usize| (start..end).contains(*answer);
        if !right.iter().flatten().any(|answer| is_here(&answer)) {
            continue;
        }
        let scores: Vec<f32> = scores(start).into_data().iter().collect();
        for (query, right) in right.iter().enumerate() {
            for answer in right.iter().filter(is_here) {
                let score = scores[query * (end - start) + answer - start];
                best[query] = best[query].max(score);
                is_nan[query] |= !score.is_finite();
            }
        }
    }
    let own: Tensor<2> =
        Tensor::<1>::from_data(best.as_slice(), &queries.device()).unsqueeze_dim(1);
    let mut above = vec![0; right.len()];
    for start in (0..answers).step_by(rows) {
        let scores = scores(start);
        let counts =
            scores.clone().greater_equal(own.clone()).bool_or(scores.is_nan()).int().sum_dim(1);
        above.iter_mut().zip(counts.into_data().iter::<i64>()).for_each(|(sum, n)| *sum += n);
    }
    let rank = |(query, right): (usize, &Vec<usize>)| match right.is_empty() {
        true => usize::MAX,
        false if is_nan[query] => answers,
        false => (above[query] - 1).max(0) as usize,
    };
    right.iter().enumerate().map(rank).collect()
}

/// For each query the answer of a gallery with the highest score, without ever holding all scores;
/// nothing where no score is a number.
///
/// # Shapes
///
/// - queries: `[queries, embed]`
/// - gallery: `[answers, embed]`
pub(crate) fn nearest(queries: &Tensor<2>, gallery: &Tensor<2>) -> Vec<Option<usize>> {
    nearest_in(queries, gallery, ROWS.min(gallery.dims()[0]).max(1))
}

fn nearest_in(queries: &Tensor<2>, gallery: &Tensor<2>, rows: usize) -> Vec<Option<usize>> {
    let ([all, _], [answers, _]) = (queries.dims(), gallery.dims());
    let at_once = (SCORES / rows).max(1);
    let mut best = vec![(f32::NEG_INFINITY, None); all];
    for first in (0..all).step_by(at_once) {
        let count = at_once.min(all - first);
        let part = queries.clone().narrow(0, first, count);
        for start in (0..answers).step_by(rows) {
            let block = gallery.clone().narrow(0, start, rows.min(answers - start));
            let scores = part.clone().matmul(block.transpose());
            let is_nan = scores.clone().is_nan();
            let (scores, at) = scores.mask_fill(is_nan, f32::NEG_INFINITY).max_dim_with_indices(1);
            let (scores, at) = (scores.into_data(), at.into_data());
            let found = scores.iter::<f32>().zip(at.iter::<i64>());
            for (best, (score, at)) in best[first..].iter_mut().zip(found) {
                if score > best.0 {
                    *best = (score, Some(start + at as usize));
                }
            }
        }
    }
    best.into_iter().map(|(_, answer)| answer).collect()
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
    use burn::tensor::{Device, Distribution};

    use super::*;

    /// Against the rank in the whole row of scores, with ties and with answers in several blocks.
    #[test]
    fn blocks_give_the_ranks_of_whole_rows() {
        let device = Device::flex();
        device.seed(1);
        let random =
            |rows| Tensor::<2>::random([rows, 8], Distribution::Uniform(-1.0, 1.0), &device);
        // Few values: many scores are equal.
        let (queries, gallery) = (random(30).mul_scalar(2.0).round(), random(70).round());
        let right: Vec<Vec<usize>> = (0..30).map(|q| vec![q, 69 - q, (q * 7) % 70]).collect();
        let scores: Vec<f32> =
            queries.clone().matmul(gallery.clone().transpose()).into_data().iter().collect();
        let whole = right.iter().enumerate().map(|(query, right)| {
            let row = &scores[query * 70..(query + 1) * 70];
            right.iter().map(|answer| rank(row, *answer)).min().unwrap()
        });
        let whole: Vec<usize> = whole.collect();
        assert_eq!(ranks(&queries, &gallery, &right), whole);
        for rows in [1, 13, 70] {
            assert_eq!(ranks_of(queries.clone(), &gallery, rows, &right), whole);
        }
    }

    #[test]
    fn blocks_give_the_nearest_of_all() {
        let device = Device::flex();
        device.seed(2);
        let random =
            |rows| Tensor::<2>::random([rows, 8], Distribution::Uniform(-1.0, 1.0), &device);
        let (queries, gallery) = (random(30), random(70));
        let scores: Vec<f32> =
            queries.clone().matmul(gallery.clone().transpose()).into_data().iter().collect();
        let whole: Vec<_> = scores.chunks(70).map(|row| Some(top(row, 1)[0])).collect();
        assert_eq!(nearest(&queries, &gallery), whole);
        for rows in [1, 13, 70] {
            assert_eq!(nearest_in(&queries, &gallery, rows), whole);
        }
    }

    #[test]
    fn what_is_not_a_number_is_near_nothing() {
        let device = Device::flex();
        let queries = Tensor::<2>::from_data([[1.0, 0.0], [f32::NAN, 0.0]], &device);
        let gallery = Tensor::<2>::from_data([[f32::NAN, 1.0], [-1.0, 0.0]], &device);
        assert_eq!(nearest(&queries, &gallery), [Some(1), None]);
    }

    #[test]
    fn a_gallery_that_is_not_a_number_finds_nothing() {
        let device = Device::flex();
        let queries = Tensor::<2>::ones([2, 3], &device);
        let gallery = Tensor::<2>::from_data([[1.0, 1.0, 1.0], [f32::NAN, 0.0, 0.0]], &device);
        assert_eq!(ranks(&queries, &gallery, &[vec![0], vec![1]]), [1, 2]);
    }

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
