//! Products of small matrices that lie in the processor's cache, their sums kept in registers.

use pulp::Simd;

/// Values of the widest vector instruction: what the columns of a product are a multiple of.
pub(super) const LANES: usize = 16;
/// Rows that are summed up side by side.
pub(super) const ROWS: usize = 8;

/// A matrix whose values are read one by one.
#[derive(Clone, Copy)]
pub(super) struct Left<'a> {
    pub values: &'a [f32],
    /// From a row to the next.
    pub row: usize,
    /// From a column to the next.
    pub column: usize,
}

/// A matrix that is read, or written, in vectors.
#[derive(Clone, Copy)]
pub(super) struct Right<'a> {
    pub values: &'a [f32],
    /// From a row to the next.
    pub row: usize,
}

/// `[rows, depth]` times `[depth, columns]`, written to rows that lie `stride` apart.
#[inline(always)]
pub(super) fn product<S: Simd>(
    simd: S,
    [rows, depth, columns]: [usize; 3],
    left: Left<'_>,
    right: Right<'_>,
    output: &mut [f32],
    stride: usize,
) {
    debug_assert!(columns.is_multiple_of(LANES));
    for start in (0..rows).step_by(ROWS) {
        // What is too many at the end is the last one again, and not kept.
        let lefts: [&[f32]; ROWS] = std::array::from_fn(|row| {
            let row = (start + row).min(rows - 1);
            &left.values[row * left.row..]
        });
        let kept = ROWS.min(rows - start);
        for column in (0..columns).step_by(2 * S::F32_LANES) {
            let right = Right { values: &right.values[column..], ..right };
            let output = &mut output[start * stride + column..];
            let shape = [kept, depth];
            if columns - column > S::F32_LANES {
                tile::<S, 2>(simd, shape, (&lefts, left.column), right, output, stride);
            } else {
                tile::<S, 1>(simd, shape, (&lefts, left.column), right, output, stride);
            }
        }
    }
}

/// As many columns as fill so many vectors.
#[inline(always)]
fn tile<S: Simd, const VECTORS: usize>(
    simd: S,
    [kept, depth]: [usize; 2],
    (lefts, step): (&[&[f32]; ROWS], usize),
    right: Right<'_>,
    output: &mut [f32],
    stride: usize,
) {
    let mut sums = [[simd.splat_f32s(0.0); VECTORS]; ROWS];
    for k in 0..depth {
        let (right, _) = S::as_simd_f32s(&right.values[k * right.row..][..VECTORS * S::F32_LANES]);
        for (sums, left) in sums.iter_mut().zip(lefts) {
            let left = simd.splat_f32s(left[k * step]);
            for vector in 0..VECTORS {
                sums[vector] = simd.mul_add_f32s(left, right[vector], sums[vector]);
            }
        }
    }
    for (row, sums) in sums.iter().enumerate().take(kept) {
        let output = &mut output[row * stride..][..VECTORS * S::F32_LANES];
        let (output, _) = S::as_mut_simd_f32s(output);
        output.copy_from_slice(sums);
    }
}
