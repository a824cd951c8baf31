//! The product of rows and a weight that is packed already.

use std::ops::Range;

use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

use super::super::finish::{FinishRows, Finishing, in_shares};
use super::kernel::most_rows;
use super::left::Rows;
use super::weight::{Left, PackedWeight};
use super::{PackRows, are_for_rows, share};

/// Rows that are multiplied with a panel one after the other, about: they are to stay in the second
/// cache.
pub(super) const ROWS: usize = 96;

/// What is done.
pub(in super::super) struct Prepacked<'a, F> {
    /// `[rows, depth]`.
    pub x: Rows<'a>,
    pub weight: &'a PackedWeight,
    /// Those of the weight's that are computed; a panel begins with the first.
    pub columns: Range<usize>,
    /// How the output is finished.
    pub finish: &'a F,
}

impl<F: Finishing> Prepacked<'_, F> {
    /// Adds the product to `output`, `[rows, columns]`, and finishes it.
    pub fn add_to(&self, output: &mut [f32]) {
        let columns = self.columns.len();
        match are_for_rows(output.len() / columns, columns) {
            true => self.add_by_rows(output),
            false => self.add_by_columns(output),
        }
    }

    /// Each task takes some rows, and packs them.
    pub(super) fn add_by_rows(&self, output: &mut [f32]) {
        let Self { x, weight, columns, finish } = self;
        let arch = Arch::new();
        let share = arch.dispatch(Share);
        let tasks = output.par_chunks_mut(share * columns.len()).enumerate();
        tasks.for_each_init(Vec::new, |buffer, (index, output)| {
            let first = index * share;
            let left = Left { x: *x, first, tiles: None };
            let rows = &mut output.chunks_exact_mut(columns.len()).collect::<Vec<_>>()[..];
            arch.dispatch(Task { left, weight, columns: columns.clone(), buffer, rows });
            arch.dispatch(FinishRows { finish: *finish, first: [first, 0], rows });
        });
    }

    /// Each task takes some columns; the rows are packed once for all.
    pub(super) fn add_by_columns(&self, output: &mut [f32]) {
        let Self { x, weight, columns, finish } = self;
        let arch = Arch::new();
        let rows = output.len() / columns.len();
        let tiles = arch.dispatch(PackRows { x: *x, rows, depth: weight.depth() });
        let (share, at_a_time) = (share(columns.len()), arch.dispatch(Share));
        let tasks = in_shares(output, columns.len(), share);
        tasks.into_par_iter().enumerate().for_each(|(index, mut rows)| {
            let start = index * share;
            let first = columns.start + start;
            let columns = first..first + rows.first().map_or(0, |row| row.len());
            for (chunk, rows) in rows.chunks_mut(at_a_time).enumerate() {
                let left = Left { x: *x, first: chunk * at_a_time, tiles: tiles.as_ref() };
                let (columns, buffer) = (columns.clone(), &mut Vec::new());
                arch.dispatch(Task { left, weight, columns, buffer, rows });
            }
            arch.dispatch(FinishRows { finish: *finish, first: [0, start], rows: &mut rows });
        });
    }
}

/// [`ROWS`], as a multiple of a tile's.
struct Share;

impl WithSimd for Share {
    type Output = usize;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> usize {
        ROWS / most_rows::<S>() * most_rows::<S>()
    }
}

/// Some rows and columns.
struct Task<'a, 'b> {
    left: Left<'a>,
    weight: &'a PackedWeight,
    columns: Range<usize>,
    buffer: &'a mut Vec<f32>,
    /// `[rows][columns]`.
    rows: &'a mut [&'b mut [f32]],
}

impl WithSimd for Task<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { left, weight, columns, buffer, rows } = self;
        weight.add_product(simd, left, columns, buffer, rows);
    }
}
