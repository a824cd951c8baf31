//! A product of more rows than columns: the weight is packed once for all tasks, and each task packs
//! the rows that it takes.

use std::ops::Range;

use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

use super::super::finish::{FinishRows, Finishing};
use super::kernel::{Source, Tile, are_read_where_they_lie, most_rows};
use super::left::Rows;
use super::pack::{Lines, pack_part};
use super::{Ordered, PANEL, Packed, depths};

/// Rows of a task, about.
pub(super) const ROWS: usize = 96;
/// Columns that are packed by a task.
const GROUP: usize = 4 * PANEL;

impl<F: Finishing> Packed<'_, F> {
    /// Each task takes some rows; the weight is packed once for all.
    pub(super) fn add_by_rows(&self, output: &mut [f32]) {
        let width = self.columns.len();
        let arch = Arch::new();
        let weight = PackedWeight::new(self.weight, 0..self.weight.depth(), self.columns.clone());
        let share = arch.dispatch(Share);
        let tasks = output.par_chunks_mut(share * width).enumerate();
        tasks.for_each_init(Vec::new, |tiles, (index, output)| {
            let first = index * share;
            let rows = &mut output.chunks_exact_mut(width).collect::<Vec<_>>()[..];
            arch.dispatch(Task { x: self.x, weight: &weight, first, tiles, rows });
            arch.dispatch(FinishRows { finish: &self.finish, first: [first, 0], rows });
        });
    }
}

/// A weight, packed for any number of products.
pub(in super::super) struct PackedWeight {
    /// By depth, then by column.
    parts: Vec<Part>,
}

impl PackedWeight {
    /// Some depths and columns.
    pub fn new(weight: Ordered<'_>, depth: Range<usize>, columns: Range<usize>) -> Self {
        let arch = Arch::new();
        let groups = || columns.clone().step_by(GROUP);
        let parts: Vec<_> = depths(depth)
            .flat_map(|depth| groups().map(move |first| (depth.clone(), first)))
            .collect();
        let pack = |(depth, first): (Range<usize>, usize)| {
            let column = first - columns.start;
            let columns = first..columns.end.min(first + GROUP);
            arch.dispatch(PackPart { lines: Lines { weight, depth, columns }, column })
        };
        Self { parts: parts.into_par_iter().map(pack).collect() }
    }

    /// Adds the product with some rows, the first of which is given, by one core.
    #[inline(always)]
    pub fn add_rows<S: Simd>(
        &self,
        simd: S,
        x: Rows<'_>,
        first: usize,
        tiles: &mut Vec<f32>,
        rows: &mut [&mut [f32]],
    ) {
        let most = most_rows::<S>();
        for parts in self.parts.chunk_by(|part, next| part.depth == next.depth) {
            let Some(Part { depth, .. }) = parts.first() else { return };
            let packs = !are_read_where_they_lie::<S>(x, depth.len());
            if packs {
                pack_part(x, first..first + rows.len(), depth.clone(), most, tiles);
            }
            let size = tiles.len() / rows.len().div_ceil(most);
            for part in parts {
                let panels = part.buffer[part.panels.clone()].chunks_exact(part.size);
                for (index, panel) in panels.enumerate() {
                    let column = part.column + index * 2 * S::F32_LANES;
                    for (index, rows) in rows.chunks_mut(most).enumerate() {
                        let x = match packs {
                            true => Source::Packed(&tiles[index * size..][..size]),
                            false => {
                                let first = first + index * most;
                                Source::Lying { x, first, depth: depth.clone() }
                            }
                        };
                        Tile { x, panel, column }.add_to(simd, rows);
                    }
                }
            }
        }
    }
}

/// Some columns and depths of a weight, packed.
struct Part {
    buffer: Vec<f32>,
    /// Where in it they are, and the size of a panel.
    panels: Range<usize>,
    size: usize,
    depth: Range<usize>,
    /// The first column, among those that are computed.
    column: usize,
}

struct PackPart<'a> {
    lines: Lines<'a>,
    column: usize,
}

impl WithSimd for PackPart<'_> {
    type Output = Part;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> Part {
        let Self { lines, column } = self;
        let depth = lines.depth.clone();
        let mut buffer = Vec::new();
        let (panels, size) = lines.packed(2 * S::F32_LANES, &mut buffer);
        Part { buffer, panels, size, depth, column }
    }
}

/// Rows of a task: a multiple of a tile's.
struct Share;

impl WithSimd for Share {
    type Output = usize;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> usize {
        ROWS / most_rows::<S>() * most_rows::<S>()
    }
}

/// Some rows.
struct Task<'a, 'b> {
    x: Rows<'a>,
    weight: &'a PackedWeight,
    /// The first of the rows.
    first: usize,
    tiles: &'a mut Vec<f32>,
    /// `[rows][columns]`.
    rows: &'a mut [&'b mut [f32]],
}

impl WithSimd for Task<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { x, weight, first, tiles, rows } = self;
        weight.add_rows(simd, x, first, tiles, rows);
    }
}
