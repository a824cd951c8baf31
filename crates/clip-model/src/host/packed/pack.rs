//! What a product reads, copied into the order that it is read in. Depths are filled up with zeros to
//! a multiple of [`STEP`].

use std::ops::Range;

use rayon::prelude::*;

use super::super::tile::Left;
use super::super::weight::Weight;
use super::turn::turn;
use super::{DEPTH, Ordered};

/// Depths that are copied at a time.
pub(super) const STEP: usize = 8;

/// Rows in tiles of so many: `[tiles, depth, rows]`.
pub(super) struct Rows {
    values: Vec<f32>,
    depth: usize,
    rows: usize,
}

impl Rows {
    /// `[rows, depth]`, a tile holding 6 or 14 rows.
    pub fn packed(x: Left<'_>, shape: [usize; 2], rows: usize) -> Self {
        let values = match rows {
            6 => packed::<6>(x, shape),
            _ => packed::<14>(x, shape),
        };
        Self { values, depth: shape[1].next_multiple_of(STEP), rows }
    }

    /// A part of a tile's depth, which begins at a multiple of [`STEP`].
    #[inline(always)]
    pub fn tile(&self, index: usize, depth: Range<usize>) -> &[f32] {
        let length = depth.len().next_multiple_of(STEP);
        &self.values[(index * self.depth + depth.start) * self.rows..][..length * self.rows]
    }
}

fn packed<const ROWS: usize>(x: Left<'_>, [rows, depth]: [usize; 2]) -> Vec<f32> {
    /// Steps that are worth a task.
    const MANY: usize = 64;
    let steps = depth.div_ceil(STEP);
    let step = |index: usize| -> [[f32; ROWS]; STEP] {
        let (first, depths) = (index / steps * ROWS, index % steps * STEP..depth);
        // Rows that are too many are the last one again, and not kept.
        let rows = std::array::from_fn(|row| (first + row).min(rows - 1));
        match (x.column, depths.len() < STEP) {
            (_, true) => some(x, rows, depths),
            (1, false) => by_rows(x, rows, depths.start),
            _ => by_columns(x, rows, depths.start),
        }
    };
    let steps = (0..rows.div_ceil(ROWS) * steps).into_par_iter().with_min_len(MANY).map(step);
    steps.collect::<Vec<_>>().into_flattened().into_flattened()
}

/// A step of rows whose values follow each other.
#[inline(always)]
fn by_rows<const ROWS: usize>(
    x: Left<'_>,
    rows: [usize; ROWS],
    depth: usize,
) -> [[f32; ROWS]; STEP] {
    let rows = rows.map(|row| &x.values[row * x.row + depth..][..STEP]);
    std::array::from_fn(|depth| rows.map(|row| row[depth]))
}

/// A step of rows that follow each other value by value.
#[inline(always)]
fn by_columns<const ROWS: usize>(
    x: Left<'_>,
    rows: [usize; ROWS],
    depth: usize,
) -> [[f32; ROWS]; STEP] {
    std::array::from_fn(|index| {
        let values = &x.values[(depth + index) * x.column..];
        rows.map(|row| values[row * x.row])
    })
}

/// What is left of the depth.
fn some<const ROWS: usize>(
    x: Left<'_>,
    rows: [usize; ROWS],
    depths: Range<usize>,
) -> [[f32; ROWS]; STEP] {
    let mut step = [[0.0; ROWS]; STEP];
    for (values, depth) in step.iter_mut().zip(depths) {
        *values = rows.map(|row| x.values[row * x.row + depth * x.column]);
    }
    step
}

/// What of a weight is packed at a time.
pub(super) struct Lines<'a> {
    pub weight: Ordered<'a>,
    pub depth: Range<usize>,
    pub columns: Range<usize>,
}

impl Lines<'_> {
    /// Panels of so many columns, `[panels, depth, panel]`, and their size.
    #[inline(always)]
    pub fn packed(self, panel: usize, buffer: &mut Vec<f32>) -> (&[f32], usize) {
        /// Numbers of a cache line, which no vector is to cross.
        const LINE: usize = 16;
        let size = self.depth.len().next_multiple_of(STEP) * panel;
        let length = self.columns.len().div_ceil(panel) * size;
        buffer.resize(length + LINE, 0.0);
        let start = buffer.as_ptr().align_offset(LINE * size_of::<f32>()).min(LINE);
        let panels = &mut buffer[start..start + length];
        for values in panels.chunks_exact_mut(size) {
            values[self.depth.len() * panel..].fill(0.0);
        }
        match self.weight {
            Ordered::ByRows(weight) => self.by_rows(weight, panel, size, panels),
            Ordered::ByColumns(transpose) => self.by_columns(transpose, panel, size, panels),
        }
        (panels, size)
    }

    #[inline(always)]
    fn by_rows(&self, weight: Weight<'_>, panel: usize, size: usize, panels: &mut [f32]) {
        for (index, row) in self.depth.clone().enumerate() {
            let starts = self.columns.clone().step_by(panel);
            for (panels, start) in panels.chunks_exact_mut(size).zip(starts) {
                let width = panel.min(self.columns.end - start);
                weight.read(row, start, &mut panels[index * panel..][..width]);
            }
        }
    }

    #[inline(always)]
    fn by_columns(&self, transpose: Weight<'_>, panel: usize, size: usize, panels: &mut [f32]) {
        let mut widened = [[0.0; DEPTH]; STEP];
        for (index, to) in panels.chunks_exact_mut(size).enumerate() {
            for column in (0..panel).step_by(STEP) {
                let first = self.columns.start + index * panel + column;
                let from = transpose.parts(first, self.depth.clone(), &mut widened);
                turn(from, &mut to[column..], panel);
            }
        }
    }
}
