//! A tile of the product, whose sums are kept in registers.

use std::ops::Range;

use pulp::{NullaryFnOnce, Simd};

use super::super::prefetch::{Cache, prefetch};
use super::super::tile::LANES;
use super::STEP;
use super::left::Rows;

/// Depths between two looks at the length.
const UNROLLED: usize = 4;

/// Rows of a tile: with two vectors for each, as many as registers hold beside what is multiplied, of
/// 32 with AVX-512, of 16 else.
#[inline(always)]
pub(super) const fn most_rows<S: Simd>() -> usize {
    if S::F32_LANES == LANES { 14 } else { 6 }
}

/// What a tile is the product of.
pub(super) struct Tile<'a> {
    pub x: Source<'a>,
    /// `[depth, 2 vectors]`.
    pub panel: &'a [f32],
    /// The first of the output's columns.
    pub column: usize,
}

/// The rows of a tile.
#[derive(Clone)]
pub(super) enum Source<'a> {
    /// Packed, `[depth, most rows]`.
    Packed(&'a [f32]),
    /// Where they lie: from the first on, some depths. [`are_read_where_they_lie`] is true of them.
    Lying { x: Rows<'a>, first: usize, depth: Range<usize> },
}

/// Whether the kernel needs no copy of rows: values that follow each other, of no more rows than there
/// are registers for their addresses.
#[inline(always)]
pub(super) fn are_read_where_they_lie<S: Simd>(x: Rows<'_>, depth: usize) -> bool {
    most_rows::<S>() == 6 && x.follow_each_other() && depth.is_multiple_of(STEP)
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
        // Rows lie too far from each other for the processor to guess what comes next.
        for row in &*rows {
            let first = row.as_ptr().wrapping_add(column);
            prefetch(first, Cache::First);
            prefetch(first.wrapping_add(2 * S::F32_LANES - 1), Cache::First);
        }
        let sums = match x {
            Source::Packed(x) => simd.vectorize(Sums::<S, MOST, ROWS> { simd, x, panel }),
            Source::Lying { x, first, depth } => {
                let starts = x.starts(first, first + rows.len());
                simd.vectorize(SumsOfLying::<S, ROWS> { simd, x, starts, depth, panel })
            }
        };
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

/// The same of rows where they lie.
struct SumsOfLying<'a, S, const ROWS: usize> {
    simd: S,
    x: Rows<'a>,
    starts: [usize; ROWS],
    depth: Range<usize>,
    panel: &'a [f32],
}

impl<S: Simd, const ROWS: usize> NullaryFnOnce for SumsOfLying<'_, S, ROWS> {
    type Output = [[S::f32s; 2]; ROWS];

    #[inline(always)]
    fn call(self) -> Self::Output {
        let Self { simd, x, starts, mut depth, panel } = self;
        let (panel, _) = S::as_simd_f32s(panel);
        let (mut panel, _) = panel.as_chunks::<2>();
        let mut sums = [[simd.splat_f32s(0.0); 2]; ROWS];
        while !depth.is_empty() {
            let end = x.run_end(depth.start).min(depth.end);
            let (offset, length) = (x.offset(depth.start), end - depth.start);
            let steps = length / UNROLLED;
            let rows = starts.map(|start| {
                let (steps, _) = x.values()[start + offset..][..length].as_chunks::<UNROLLED>();
                steps
            });
            let (run, rest) = panel.split_at(length);
            let (run, _) = run.as_chunks::<UNROLLED>();
            for step in 0..steps {
                for (depth, panel) in run[step].iter().enumerate() {
                    for (sums, row) in sums.iter_mut().zip(&rows) {
                        let x = simd.splat_f32s(row[step][depth]);
                        sums[0] = simd.mul_add_f32s(x, panel[0], sums[0]);
                        sums[1] = simd.mul_add_f32s(x, panel[1], sums[1]);
                    }
                }
            }
            (panel, depth.start) = (rest, end);
        }
        sums
    }
}
