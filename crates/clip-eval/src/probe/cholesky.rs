//! The factorisation of a symmetric positive matrix.

use std::iter::zip;

/// `L` with `L * L^T` the factorised matrix; of each row what is on the diagonal and before it.
pub(super) struct Cholesky {
    rows: Vec<Vec<f64>>,
}

impl Cholesky {
    /// Factorises a matrix, of which each row has what is on the diagonal and before it; `None` where
    /// it isn't positive within the precision of f64.
    pub fn of(mut rows: Vec<Vec<f64>>) -> Option<Self> {
        for i in 0..rows.len() {
            let (done, rest) = rows.split_at_mut(i);
            let row = &mut rest[0];
            for (j, other) in done.iter().enumerate() {
                row[j] = (row[j] - dot(&row[..j], &other[..j])) / other[j];
            }
            let square = row[i] - dot(&row[..i], &row[..i]);
            if square.is_nan() || square <= 0.0 {
                return None;
            }
            row[i] = square.sqrt();
        }
        Some(Self { rows })
    }

    /// Multiplies by the inverse of the matrix: `x` is `[rows, columns]`.
    pub fn solve(&self, x: &mut [f64]) {
        let columns = x.len() / self.rows.len();
        for (i, row) in self.rows.iter().enumerate() {
            let (done, rest) = x.split_at_mut(i * columns);
            let here = &mut rest[..columns];
            for (solved, factor) in zip(done.chunks_exact(columns), row) {
                subtract(here, *factor, solved);
            }
            here.iter_mut().for_each(|x| *x /= row[i]);
        }
        for (i, row) in self.rows.iter().enumerate().rev() {
            let (before, rest) = x.split_at_mut(i * columns);
            let here = &mut rest[..columns];
            here.iter_mut().for_each(|x| *x /= row[i]);
            for (other, factor) in zip(before.chunks_exact_mut(columns), row) {
                subtract(other, *factor, here);
            }
        }
    }
}

fn subtract(from: &mut [f64], factor: f64, what: &[f64]) {
    zip(from, what).for_each(|(from, what)| *from -= factor * what);
}

/// In eight sums, which are added up at once.
fn dot(a: &[f64], b: &[f64]) -> f64 {
    let ((a, a_rest), (b, b_rest)) = (a.as_chunks::<8>(), b.as_chunks::<8>());
    let mut sums = [0.0; 8];
    for (a, b) in zip(a, b) {
        zip(&mut sums, zip(a, b)).for_each(|(sum, (a, b))| *sum += a * b);
    }
    sums.iter().sum::<f64>() + zip(a_rest, b_rest).map(|(a, b)| a * b).sum::<f64>()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_product_with_the_matrix_is_what_was_solved_for() {
        const SIZE: usize = 21;
        let factor = |i: usize, j: usize| ((3 * i + 7 * j) as f64).sin();
        let entry = |i: usize, j: usize| {
            (0..SIZE).map(|k| factor(i, k) * factor(j, k)).sum::<f64>() + f64::from(i == j)
        };
        let rows = (0..SIZE).map(|i| (0..=i).map(|j| entry(i, j)).collect()).collect();
        let wanted: Vec<f64> = (0..2 * SIZE).map(|at| (at as f64).cos()).collect();
        let mut solved = wanted.clone();
        Cholesky::of(rows).unwrap().solve(&mut solved);
        for i in 0..SIZE {
            for column in 0..2 {
                let product: f64 = (0..SIZE).map(|j| entry(i, j) * solved[2 * j + column]).sum();
                assert!((product - wanted[2 * i + column]).abs() < 1e-10, "{i} {column}");
            }
        }
    }

    #[test]
    fn what_is_not_positive_has_no_factor() {
        assert!(Cholesky::of(vec![vec![1.0], vec![2.0, 3.0]]).is_none());
        assert!(Cholesky::of(vec![vec![f64::NAN]]).is_none());
    }
}
