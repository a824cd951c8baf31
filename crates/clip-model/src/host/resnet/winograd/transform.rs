//! The transforms of F(2x2, 3x3), both ways of a square: Lavin and Gray 2016, "Fast Algorithms for
//! Convolutional Neural Networks", section 4.1.

use pulp::{Scalar, Simd};

/// One way of a transform, of N values to M.
pub(super) trait Transform<const N: usize, const M: usize> {
    fn of<S: Simd>(simd: S, values: [S::f32s; N]) -> [S::f32s; M];
}

/// Of a tile of the input: `Bᵀ`.
pub(super) struct OfInput;

impl Transform<4, 4> for OfInput {
    #[inline(always)]
    fn of<S: Simd>(simd: S, [a, b, c, d]: [S::f32s; 4]) -> [S::f32s; 4] {
        let sub = |a, b| simd.sub_f32s(a, b);
        [sub(a, c), simd.add_f32s(b, c), sub(c, b), sub(b, d)]
    }
}

/// Of a weight: `G`.
pub(super) struct OfWeight;

impl Transform<3, 4> for OfWeight {
    #[inline(always)]
    fn of<S: Simd>(simd: S, [a, b, c]: [S::f32s; 3]) -> [S::f32s; 4] {
        let half = simd.splat_f32s(0.5);
        let (ends, middle) = (simd.add_f32s(a, c), b);
        let sum = simd.mul_f32s(half, simd.add_f32s(ends, middle));
        let difference = simd.mul_f32s(half, simd.sub_f32s(ends, middle));
        [a, sum, difference, c]
    }
}

/// Of the products: `Aᵀ`.
pub(super) struct OfProducts;

impl Transform<4, 2> for OfProducts {
    #[inline(always)]
    fn of<S: Simd>(simd: S, [a, b, c, d]: [S::f32s; 4]) -> [S::f32s; 2] {
        let sum = simd.add_f32s(a, simd.add_f32s(b, c));
        [sum, simd.sub_f32s(simd.sub_f32s(b, c), d)]
    }
}

/// Both ways of squares that lie side by side: of each pixel, its values in all of them.
#[inline(always)]
pub(super) fn transform<T: Transform<N, M>, S: Simd, const N: usize, const M: usize>(
    simd: S,
    from: [[&[f32]; N]; N],
    to: [[&mut [f32]; M]; M],
) {
    if from[0][0].len().is_multiple_of(S::F32_LANES) {
        vectors::<T, S, N, M>(simd, from, to);
    } else {
        vectors::<T, Scalar, N, M>(Scalar::new(), from, to);
    }
}

#[inline(always)]
fn vectors<T: Transform<N, M>, S: Simd, const N: usize, const M: usize>(
    simd: S,
    from: [[&[f32]; N]; N],
    mut to: [[&mut [f32]; M]; M],
) {
    let length = from[0][0].len() / S::F32_LANES;
    let zero = simd.splat_f32s(0.0);
    for at in 0..length {
        let mut square = [[zero; N]; N];
        for (row, from) in square.iter_mut().zip(&from) {
            for (value, from) in row.iter_mut().zip(from) {
                *value = S::as_simd_f32s(from).0[at];
            }
        }
        let mut rows = [[zero; M]; N];
        for (row, from) in rows.iter_mut().zip(square) {
            *row = T::of(simd, from);
        }
        for column in 0..M {
            let mut values = [zero; N];
            for (value, row) in values.iter_mut().zip(&rows) {
                *value = row[column];
            }
            for (to, value) in to.iter_mut().zip(T::of(simd, values)) {
                S::as_mut_simd_f32s(to[column]).0[at] = value;
            }
        }
    }
}
