use std::ops::Range;

use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

use super::super::prefetch::{Cache, prefetch};
use super::super::tile::LANES;
use super::super::weight::Ordered;
use super::depths;
use super::kernel::{Source, Tile, are_read_where_they_lie, most_rows};
use super::left::Rows;
use super::pack::{Lines, Tiles, pack_part};

/// A weight, packed for any number of products.
#[derive(Debug)]
pub(in super::super) struct PackedWeight {
    /// By depth, then by column.
    panels: Vec<Panel>,
}

/// Some depths of as many columns as two vectors hold.
#[derive(Debug)]
struct Panel {
    buffer: Vec<f32>,
    /// Where in it they are.
    values: Range<usize>,
    /// The depths and the first column, among those that are packed.
    depth: Range<usize>,
    column: usize,
}

/// What a weight is multiplied with.
#[derive(Clone, Copy)]
pub(in super::super) struct Left<'a> {
    pub x: Rows<'a>,
    /// The first of the rows: one that a tile begins with.
    pub first: usize,
    /// All rows, packed; else a core packs those that it takes, if they have to be.
    pub tiles: Option<&'a Tiles>,
}

impl PackedWeight {
    /// Some depths and columns.
    pub fn new(weight: Ordered<'_>, depth: Range<usize>, columns: Range<usize>) -> Self {
        let arch = Arch::new();
        let width = arch.dispatch(Width);
        let first = [depth.start, columns.start];
        let starts = || columns.clone().step_by(width);
        let panels: Vec<_> = depths(depth)
            .flat_map(|depth| starts().map(move |start| (depth.clone(), start)))
            .collect();
        let pack = |(depth, start): (Range<usize>, usize)| {
            let columns = start..columns.end.min(start + width);
            arch.dispatch(Pack { lines: Lines { weight, depth, columns }, first })
        };
        Self { panels: panels.into_par_iter().map(pack).collect() }
    }

    /// Numbers of a row that it is multiplied with.
    pub(super) fn depth(&self) -> usize {
        self.panels.last().map_or(0, |panel| panel.depth.end)
    }

    /// Adds the product of rows and some columns, the first of which a panel begins with, by one core.
    #[inline(always)]
    pub fn add_product<S: Simd>(
        &self,
        simd: S,
        left: Left<'_>,
        columns: Range<usize>,
        buffer: &mut Vec<f32>,
        rows: &mut [&mut [f32]],
    ) {
        let Left { x, first, tiles } = left;
        let (most, width) = (most_rows::<S>(), 2 * S::F32_LANES);
        let count = rows.len().div_ceil(most);
        for panels in self.panels.chunk_by(|panel, next| panel.depth == next.depth) {
            let panels = &panels[columns.start / width..columns.end.div_ceil(width)];
            let Some(Panel { depth, .. }) = panels.first() else { return };
            let lies = tiles.is_none() && are_read_where_they_lie::<S>(x, depth.len());
            if tiles.is_none() && !lies {
                pack_part(x, first..first + rows.len(), depth.clone(), most, buffer);
            }
            let size = buffer.len() / count;
            for (index, panel) in panels.iter().enumerate() {
                let column = panel.column - columns.start;
                // The next panel is asked for while this one is multiplied.
                let next = panels.get(index + 1).map_or(&[][..], Panel::values);
                let mut next = next.chunks(next.len().div_ceil(count).max(1));
                let (mut start, mut rest) = (first, &mut *rows);
                for tile in 0..count {
                    fetch(next.next().unwrap_or_default());
                    // Tiles as even as can be: the sums of few rows wait for each other.
                    let height = match lies {
                        true => rest.len().div_ceil(count - tile),
                        false => most.min(rest.len()),
                    };
                    let rows;
                    (rows, rest) = rest.split_at_mut(height);
                    let x = match tiles {
                        Some(tiles) => Source::Packed(tiles.tile(start / most, depth.clone())),
                        None if lies => Source::Lying { x, first: start, depth: depth.clone() },
                        None => Source::Packed(&buffer[tile * size..][..size]),
                    };
                    Tile { x, panel: panel.values(), column }.add_to(simd, rows);
                    start += height;
                }
            }
        }
    }
}

impl Panel {
    fn values(&self) -> &[f32] {
        &self.buffer[self.values.clone()]
    }
}

#[inline(always)]
fn fetch(values: &[f32]) {
    for line in values.chunks(LANES) {
        prefetch(line.as_ptr(), Cache::Second);
    }
}

/// Columns of a panel.
struct Width;

impl WithSimd for Width {
    type Output = usize;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> usize {
        2 * S::F32_LANES
    }
}

struct Pack<'a> {
    lines: Lines<'a>,
    /// Of all that is packed the first depth and column.
    first: [usize; 2],
}

impl WithSimd for Pack<'_> {
    type Output = Panel;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> Panel {
        let Self { lines, first: [first_depth, first_column] } = self;
        let depth = lines.depth.start - first_depth..lines.depth.end - first_depth;
        let column = lines.columns.start - first_column;
        let mut buffer = Vec::new();
        let (values, _) = lines.packed(2 * S::F32_LANES, &mut buffer);
        Panel { buffer, values, depth, column }
    }
}
