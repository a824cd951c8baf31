//! What a product reads, copied into the order that it is read in. Depths are filled up with zeros to
//! a multiple of [`STEP`].

use std::ops::Range;

use rayon::prelude::*;

use super::super::weight::{Ordered, Weight};
use super::DEPTH;
use super::left::Rows;
use super::turn::turn;

/// Depths that are copied at a time.
pub(super) const STEP: usize = 8;

/// Rows in tiles of so many: `[tiles, depth, rows]`.
pub(in super::super) struct Tiles {
    values: Vec<f32>,
    depth: usize,
    rows: usize,
}

impl Tiles {
    /// `[rows, depth]`, a tile holding 6 or 14 rows.
    pub fn packed(x: Rows<'_>, shape: [usize; 2], rows: usize) -> Self {
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

fn packed<const ROWS: usize>(x: Rows<'_>, [rows, depth]: [usize; 2]) -> Vec<f32> {
    /// Steps that are worth a task.
    const MANY: usize = 64;
    let steps = depth.div_ceil(STEP);
    let step = |index: usize| -> [[f32; ROWS]; STEP] {
        let starts = x.starts(index / steps * ROWS, rows);
        step(x, starts, index % steps * STEP..depth)
    };
    let steps = (0..rows.div_ceil(ROWS) * steps).into_par_iter().with_min_len(MANY).map(step);
    steps.collect::<Vec<_>>().into_flattened().into_flattened()
}

/// Some rows and depths into tiles of 6 or 14 rows, `[tiles, depth, rows]`, by one core.
#[inline(always)]
pub(super) fn pack_part(
    x: Rows<'_>,
    rows: Range<usize>,
    depth: Range<usize>,
    most: usize,
    tiles: &mut Vec<f32>,
) {
    tiles.clear();
    match most {
        6 => extend::<6>(x, rows, depth, tiles),
        _ => extend::<14>(x, rows, depth, tiles),
    }
}

#[inline(always)]
fn extend<const ROWS: usize>(
    x: Rows<'_>,
    rows: Range<usize>,
    depth: Range<usize>,
    tiles: &mut Vec<f32>,
) {
    for first in rows.clone().step_by(ROWS) {
        let starts = x.starts::<ROWS>(first, rows.end);
        for first in depth.clone().step_by(STEP) {
            tiles.extend_from_slice(step(x, starts, first..depth.end).as_flattened());
        }
    }
}

/// A step of the depths that are left.
#[inline(always)]
fn step<const ROWS: usize>(
    x: Rows<'_>,
    starts: [usize; ROWS],
    depths: Range<usize>,
) -> [[f32; ROWS]; STEP] {
    match (x.follow_each_other(), depths.len() < STEP) {
        (_, true) => some(x, starts, depths),
        (true, false) => whole(x, starts, depths.start),
        _ => one_by_one(x, starts, depths.start),
    }
}

/// A step of rows whose values follow each other.
#[inline(always)]
fn whole<const ROWS: usize>(
    x: Rows<'_>,
    starts: [usize; ROWS],
    depth: usize,
) -> [[f32; ROWS]; STEP] {
    let offset = x.offset(depth);
    let rows = starts.map(|start| &x.values()[start + offset..][..STEP]);
    std::array::from_fn(|depth| rows.map(|row| row[depth]))
}

/// A step of rows that don't lie so.
#[inline(always)]
fn one_by_one<const ROWS: usize>(
    x: Rows<'_>,
    starts: [usize; ROWS],
    depth: usize,
) -> [[f32; ROWS]; STEP] {
    std::array::from_fn(|index| {
        let values = &x.values()[x.offset(depth + index)..];
        starts.map(|start| values[start])
    })
}

/// What is left of the depth.
fn some<const ROWS: usize>(
    x: Rows<'_>,
    starts: [usize; ROWS],
    depths: Range<usize>,
) -> [[f32; ROWS]; STEP] {
    let mut step = [[0.0; ROWS]; STEP];
    for (values, depth) in step.iter_mut().zip(depths) {
        let offset = x.offset(depth);
        *values = starts.map(|start| x.values()[start + offset]);
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
    /// Panels of so many columns, `[panels, depth, panel]`: where in the buffer, and their size.
    #[inline(always)]
    pub fn packed(self, panel: usize, buffer: &mut Vec<f32>) -> (Range<usize>, usize) {
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
        (start..start + length, size)
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
