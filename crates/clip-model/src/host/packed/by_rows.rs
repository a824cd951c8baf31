//! A product of more rows than columns: the weight is packed once for all tasks, and each task packs
//! the rows that it takes.

use std::ops::Range;

use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

use super::super::finish::{FinishRows, Finishing};
use super::kernel::{Source, Tile, are_read_where_they_lie, most_rows};
use super::pack::{Lines, pack_part};
use super::{PANEL, Packed, depths};

/// Rows of a task, about.
pub(super) const ROWS: usize = 96;
/// Columns that are packed by a task.
const GROUP: usize = 4 * PANEL;

impl<F: Finishing> Packed<'_, F> {
    /// Each task takes some rows; the weight is packed once for all.
    pub(super) fn add_by_rows(&self, output: &mut [f32]) {
        let width = self.columns.len();
        let arch = Arch::new();
        let weight = self.packed_weight(arch);
        let share = arch.dispatch(Share);
        let tasks = output.par_chunks_mut(share * width).enumerate();
        tasks.for_each_init(Vec::new, |tiles, (index, output)| {
            let first = index * share;
            arch.dispatch(Task { packed: self, weight: &weight, first, tiles, output });
        });
    }

    fn packed_weight(&self, arch: Arch) -> Vec<Part> {
        let columns = || self.columns.clone().step_by(GROUP);
        let parts: Vec<_> = depths(self.x, self.weight.depth())
            .flat_map(|depth| columns().map(move |first| (depth.clone(), first)))
            .collect();
        let pack = |(depth, first): (Range<usize>, usize)| {
            let columns = first..self.columns.end.min(first + GROUP);
            let column = first - self.columns.start;
            arch.dispatch(PackPart { lines: Lines { weight: self.weight, depth, columns }, column })
        };
        parts.into_par_iter().map(pack).collect()
    }
}

/// Some columns and depths of the weight, packed.
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
struct Task<'a, 'b, F> {
    packed: &'a Packed<'b, F>,
    /// By depth, then by column.
    weight: &'a [Part],
    /// The first of the rows.
    first: usize,
    tiles: &'a mut Vec<f32>,
    /// `[rows, columns]`.
    output: &'a mut [f32],
}

impl<F: Finishing> WithSimd for Task<'_, '_, F> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { packed, weight, first, tiles, output } = self;
        let most = most_rows::<S>();
        let mut rows: Vec<_> = output.chunks_exact_mut(packed.columns.len()).collect();
        let packs = !are_read_where_they_lie::<S>(packed.x, packed.weight.depth());
        for parts in weight.chunk_by(|part, next| part.depth == next.depth) {
            let Some(Part { depth, .. }) = parts.first() else { return };
            if packs {
                pack_part(packed.x, first..first + rows.len(), depth.clone(), most, tiles);
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
                                let (x, first) = (packed.x, first + index * most);
                                Source::Lying { x, first, depth: depth.clone() }
                            }
                        };
                        Tile { x, panel, column }.add_to(simd, rows);
                    }
                }
            }
        }
        simd.vectorize(FinishRows { finish: &packed.finish, first: [first, 0], rows: &mut rows });
    }
}
