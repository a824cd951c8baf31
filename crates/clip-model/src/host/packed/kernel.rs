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
            (6, 5) => self.add::<S, 6, 5>(simd, rows),
            (6, _) => self.add::<S, 6, 6>(simd, rows),
            (_, 1) => self.add::<S, 14, 1>(simd, rows),
            (_, 2..=4) => self.add::<S, 14, 4>(simd, rows),
            (_, 5..=8) => self.add::<S, 14, 8>(simd, rows),
            _ => self.add::<S, 14, 14>(simd, rows),
        }
    }

    #[inline(always)]
    fn add<S: Simd, const MOST: usize, const ROWS: usize>(self, simd: S, rows: &mut [&mut [f32]]) {
        let column = self.column;
        let width = 2 * S::F32_LANES;
        if let Ok(rows) = <&mut [&mut [f32]; ROWS]>::try_from(&mut *rows)
            && column + width <= rows[0].len()
        {
            // Rows lie too far from each other for the processor to guess what comes next.
            for row in &*rows {
                let first = row.as_ptr().wrapping_add(column);
                prefetch(first, Cache::First);
                prefetch(first.wrapping_add(width - 1), Cache::First);
            }
            return self.add_whole::<S, MOST, ROWS>(simd, ROWS, rows);
        }
        let mut sums = [[0.0; 2 * LANES]; ROWS];
        let kept = rows.len();
        let tile = Self { column: 0, ..self };
        tile.add_whole::<S, MOST, ROWS>(simd, kept, &mut sums.each_mut().map(|row| &mut row[..]));
        for (row, sums) in rows.iter_mut().zip(&sums) {
            for (value, sum) in row[column..].iter_mut().zip(&sums[..width]) {
                *value += sum;
            }
        }
    }

    /// To as many rows, that hold the whole tile, of which some are kept.
    #[inline(always)]
    fn add_whole<S: Simd, const MOST: usize, const ROWS: usize>(
        self,
        simd: S,
        kept: usize,
        rows: &mut [&mut [f32]; ROWS],
    ) {
        let Self { x, panel, column } = self;
        match x {
            Source::Packed(x) => {
                simd.vectorize(AddPacked::<S, MOST, ROWS> { simd, x, panel, rows, column });
            }
            Source::Lying { x, first, depth } => {
                let x = x.parts(first, first + kept, depth);
                simd.vectorize(AddLying { simd, x, panel, rows, column });
            }
        }
    }
}

/// The product of packed rows.
struct AddPacked<'a, 'b, 'c, S, const MOST: usize, const ROWS: usize> {
    simd: S,
    /// `[depth, MOST]`.
    x: &'a [f32],
    panel: &'a [f32],
    rows: &'b mut [&'c mut [f32]; ROWS],
    column: usize,
}

impl<S: Simd, const MOST: usize, const ROWS: usize> NullaryFnOnce
    for AddPacked<'_, '_, '_, S, MOST, ROWS>
{
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let Self { simd, x, panel, rows, column } = self;
        let (x, _) = x.as_chunks::<MOST>();
        let (x, panel) = (x.as_chunks::<UNROLLED>().0, steps::<S>(panel));
        let length = x.len().min(panel.len());
        let (x, panel) = (&x[..length], &panel[..length]);
        let mut sums = [[simd.splat_f32s(0.0); 2]; ROWS];
        for step in 0..length {
            for (x, panel) in x[step].iter().zip(&panel[step]) {
                for (sums, x) in sums.iter_mut().zip(x) {
                    let x = simd.splat_f32s(*x);
                    sums[0] = simd.mul_add_f32s(x, panel[0], sums[0]);
                    sums[1] = simd.mul_add_f32s(x, panel[1], sums[1]);
                }
            }
        }
        add_sums(simd, sums, rows, column);
    }
}

/// The product of rows where they lie.
struct AddLying<'a, 'b, 'c, S, const ROWS: usize> {
    simd: S,
    /// `[ROWS][depth]`.
    x: [&'a [f32]; ROWS],
    panel: &'a [f32],
    rows: &'b mut [&'c mut [f32]; ROWS],
    column: usize,
}

impl<S: Simd, const ROWS: usize> NullaryFnOnce for AddLying<'_, '_, '_, S, ROWS> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let Self { simd, x, panel, rows, column } = self;
        let panel = steps::<S>(panel);
        let length = panel.len();
        let mut parts: [&[[f32; UNROLLED]]; ROWS] = [&[]; ROWS];
        // Not by a closure, after which the compiler would not know their lengths.
        for (part, x) in parts.iter_mut().zip(x) {
            *part = &x.as_chunks().0[..length];
        }
        let mut sums = [[simd.splat_f32s(0.0); 2]; ROWS];
        for step in 0..length {
            for (depth, panel) in panel[step].iter().enumerate() {
                for (sums, x) in sums.iter_mut().zip(&parts) {
                    let x = simd.splat_f32s(x[step][depth]);
                    sums[0] = simd.mul_add_f32s(x, panel[0], sums[0]);
                    sums[1] = simd.mul_add_f32s(x, panel[1], sums[1]);
                }
            }
        }
        add_sums(simd, sums, rows, column);
    }
}

/// `[depth, 2 vectors]` in steps.
#[inline(always)]
fn steps<S: Simd>(panel: &[f32]) -> &[[[S::f32s; 2]; UNROLLED]] {
    let (vectors, _) = S::as_simd_f32s(panel);
    vectors.as_chunks::<2>().0.as_chunks::<UNROLLED>().0
}

/// Adds a whole tile.
#[inline(always)]
fn add_sums<S: Simd, const ROWS: usize>(
    simd: S,
    sums: [[S::f32s; 2]; ROWS],
    rows: &mut [&mut [f32]; ROWS],
    column: usize,
) {
    for (row, sums) in rows.iter_mut().zip(&sums) {
        let (row, _) = S::as_mut_simd_f32s(&mut row[column..column + 2 * S::F32_LANES]);
        row[0] = simd.add_f32s(row[0], sums[0]);
        row[1] = simd.add_f32s(row[1], sums[1]);
    }
}
