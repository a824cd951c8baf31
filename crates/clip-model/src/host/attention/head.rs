use super::super::math::exp;
use super::{LANES, Left, Right, Shape};

/// A head's queries, keys and values in the packed projection of an image.
#[derive(Clone, Copy)]
pub(super) struct Head<'a> {
    pub shape: Shape,
    /// `[sequence, 3 * width]`.
    pub image: &'a [f32],
    /// The head's first column.
    pub first: usize,
}

impl<'a> Head<'a> {
    /// From a query on.
    #[inline(always)]
    pub fn queries(self, start: usize) -> Left<'a> {
        let row = 3 * self.shape.width;
        Left { values: &self.image[start * row + self.first..], row, column: 1 }
    }

    #[inline(always)]
    pub fn query_rows(self) -> Right<'a> {
        self.part(0)
    }

    #[inline(always)]
    pub fn keys(self) -> Right<'a> {
        self.part(1)
    }

    #[inline(always)]
    pub fn values(self) -> Right<'a> {
        self.part(2)
    }

    fn part(self, part: usize) -> Right<'a> {
        let values = &self.image[part * self.shape.width + self.first..];
        Right { values, row: 3 * self.shape.width }
    }

    /// `[sequence, head]` to `[head, padded sequence]`.
    #[inline(always)]
    pub fn transpose(self, rows: Right<'_>, columns: &mut Vec<f32>) {
        let padded = self.shape.padded();
        columns.clear();
        columns.resize(self.shape.head * padded, 0.0);
        for position in 0..self.shape.sequence {
            let row = &rows.values[position * rows.row..][..self.shape.head];
            for (column, value) in columns.chunks_exact_mut(padded).zip(row) {
                column[position] = *value;
            }
        }
    }
}

/// The softmax of the first `seen` scores, scaled; the others become 0.
#[inline(always)]
pub(super) fn softmax(scores: &mut [f32], seen: usize, scale: f32) {
    scores[seen..].fill(f32::NEG_INFINITY);
    let mut largest = [f32::NEG_INFINITY; LANES];
    for scores in scores.as_chunks::<LANES>().0 {
        for (largest, score) in largest.iter_mut().zip(scores) {
            *largest = if *score > *largest { *score } else { *largest };
        }
    }
    let largest = largest.iter().fold(f32::NEG_INFINITY, |a, b| a.max(*b));
    let mut sums = [0.0; LANES];
    for scores in scores.as_chunks_mut::<LANES>().0 {
        for (sum, score) in sums.iter_mut().zip(scores) {
            *score = exp((*score - largest) * scale);
            *sum += *score;
        }
    }
    let factor = 1.0 / sums.iter().sum::<f32>();
    scores.iter_mut().for_each(|score| *score *= factor);
    scores[seen..].fill(0.0);
}

/// The derivative at scores before scale and softmax, in place of that at the weights which the
/// softmax gave.
#[inline(always)]
pub(super) fn softmax_backward(weights: &[f32], derivative: &mut [f32], scale: f32) {
    let mut sums = [0.0; LANES];
    let (weights, _) = weights.as_chunks::<LANES>();
    let (derivative, _) = derivative.as_chunks_mut::<LANES>();
    for (weights, derivative) in weights.iter().zip(derivative.iter()) {
        for ((sum, weight), derivative) in sums.iter_mut().zip(weights).zip(derivative) {
            *sum += weight * derivative;
        }
    }
    let mean = sums.iter().sum::<f32>();
    for (weights, derivative) in weights.iter().zip(derivative) {
        for (weight, derivative) in weights.iter().zip(derivative) {
            *derivative = weight * (*derivative - mean) * scale;
        }
    }
}
