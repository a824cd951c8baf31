//! A tile of the product, whose sums are kept in registers.

use pulp::{NullaryFnOnce, Simd};

use super::super::tile::LANES;

/// Depths between two looks at the length.
const UNROLLED: usize = 4;

/// Rows of a tile: with two vectors for each, as many as registers hold beside what is multiplied, of
/// 32 with AVX-512, of 16 else.
#[inline(always)]
pub(super) const fn most_rows<S: Simd>() -> usize {
    if S::F32_LANES == LANES { 14 } else { 6 }
}

/// What a tile is the product of.
#[derive(Clone, Copy)]
pub(super) struct Tile<'a> {
    /// `[depth, most rows]`.
    pub x: &'a [f32],
    /// `[depth, 2 vectors]`.
    pub panel: &'a [f32],
    /// The first of the output's columns.
    pub column: usize,
}

impl Tile<'_> {
    /// Adds the tile to rows, of which there are [`most_rows`] or less, of the panel's columns or less.
    #[inline(always)]
    pub fn add_to<S: Simd>(self, simd: S, rows: &mut [&mut [f32]]) {
        // What is computed too much is not kept.
        match (most_rows::<S>(), rows.len()) {
            (6, 1) => self.add::<S, 6, 1>(simd, rows),
            (6, 2) => self.add::<S, 6, 2>(simd, rows),
            (6, 3 | 4) => self.add::<S, 6, 4>(simd, rows),
            (6, _) => self.add::<S, 6, 6>(simd, rows),
            (_, 1) => self.add::<S, 14, 1>(simd, rows),
            (_, 2..=4) => self.add::<S, 14, 4>(simd, rows),
            (_, 5..=8) => self.add::<S, 14, 8>(simd, rows),
            _ => self.add::<S, 14, 14>(simd, rows),
        }
    }

    #[inline(always)]
    fn add<S: Simd, const MOST: usize, const ROWS: usize>(self, simd: S, rows: &mut [&mut [f32]]) {
        let Self { x, panel, column } = self;
        let sums = simd.vectorize(Sums::<S, MOST, ROWS> { simd, x, panel });
        for (row, sums) in rows.iter_mut().zip(&sums) {
            let end = (column + 2 * S::F32_LANES).min(row.len());
            let (whole, rest) = S::as_mut_simd_f32s(&mut row[column..end]);
            for (row, sum) in whole.iter_mut().zip(sums) {
                *row = simd.add_f32s(*row, *sum);
            }
            if let (false, Some(sum)) = (rest.is_empty(), sums.get(whole.len())) {
                let old = simd.partial_load_f32s(rest);
                simd.partial_store_f32s(rest, simd.add_f32s(old, *sum));
            }
        }
    }
}

/// The sums alone: a function of its own, since with more about it the compiler moves them from
/// registers to memory and back at each depth.
struct Sums<'a, S, const MOST: usize, const ROWS: usize> {
    simd: S,
    x: &'a [f32],
    panel: &'a [f32],
}

impl<S: Simd, const MOST: usize, const ROWS: usize> NullaryFnOnce for Sums<'_, S, MOST, ROWS> {
    type Output = [[S::f32s; 2]; ROWS];

    #[inline(always)]
    fn call(self) -> Self::Output {
        let Self { simd, x, panel } = self;
        let (x, _) = x.as_chunks::<MOST>();
        let (panel, _) = S::as_simd_f32s(panel);
        let (panel, _) = panel.as_chunks::<2>();
        let (x, panel) = (x.as_chunks::<UNROLLED>().0, panel.as_chunks::<UNROLLED>().0);
        let steps = x.len().min(panel.len());
        let (x, panel) = (&x[..steps], &panel[..steps]);
        let mut sums = [[simd.splat_f32s(0.0); 2]; ROWS];
        for step in 0..steps {
            for (x, panel) in x[step].iter().zip(&panel[step]) {
                for (sums, x) in sums.iter_mut().zip(x) {
                    let x = simd.splat_f32s(*x);
                    sums[0] = simd.mul_add_f32s(x, panel[0], sums[0]);
                    sums[1] = simd.mul_add_f32s(x, panel[1], sums[1]);
                }
            }
        }
        sums
    }
}
