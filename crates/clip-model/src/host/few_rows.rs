//! The product of few rows and a large weight, which waits for memory more than it computes: the
//! weight is read once, where it lies, and fetched ahead.
//!
//! Products of many rows are better left to `gemm`, which for few packs the weight again for each
//! part that it hands to a core.

use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

use super::linear::Finish;
use super::tile::LANES;

/// Columns that are computed at a time: two of the widest vectors.
const PANEL: usize = 2 * LANES;
/// Rows and columns of the weight that are copied to the cache at a time: a quarter of a mebibyte.
const BLOCK: [usize; 2] = [256, 256];
/// Numbers of a cache line.
const LINE: usize = 16;

/// What is done.
pub(super) struct FewRows<'a> {
    /// `[rows, depth]`.
    pub x: &'a [f32],
    /// `[depth, columns]`.
    pub weight: &'a [f32],
    /// Rows, depth and columns.
    pub shape: [usize; 3],
    /// How the output is finished, `[columns]` of bias.
    pub finish: Finish<'a>,
}

impl FewRows<'_> {
    /// Adds the product to `output`, `[rows, columns]`, and finishes it.
    pub fn add_to(&self, output: &mut [f32]) {
        let [rows, depth, columns] = self.shape;
        let arch = Arch::new();
        // As even as can be: a last tile of few rows would cost as much as a whole one.
        let tile = rows.div_ceil(rows.div_ceil(arch.dispatch(MostRows)));
        let packed = packed(self.x, depth, tile);
        let share = columns.div_ceil(PANEL).div_ceil(rayon::current_num_threads()) * PANEL;
        let mut tasks: Vec<Vec<&mut [f32]>> = Vec::new();
        tasks.resize_with(columns.div_ceil(share), || Vec::with_capacity(rows));
        for row in output.chunks_exact_mut(columns) {
            for (task, part) in tasks.iter_mut().zip(row.chunks_mut(share)) {
                task.push(part);
            }
        }
        tasks.into_par_iter().enumerate().for_each(|(index, mut rows)| {
            let first = index * share;
            let weight = Weight { values: self.weight, depth, columns, first };
            arch.dispatch(Columns { packed: &packed, tile, weight, rows: &mut rows });
            for row in rows {
                arch.dispatch(self.finish.of(row, first));
            }
        });
    }
}

/// The rows of a tile that the processor's registers hold the sums of.
struct MostRows;

impl WithSimd for MostRows {
    type Output = usize;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> usize {
        // Two vectors a row: of 32 registers in AVX-512, of 16 else.
        if S::F32_LANES == LANES { 14 } else { 6 }
    }
}

/// `[rows, depth]` as `[tiles, depth, tile]`.
fn packed(x: &[f32], depth: usize, tile: usize) -> Vec<f32> {
    let size = tile * depth;
    let mut packed = vec![0.0; x.len().div_ceil(size) * size];
    packed.par_chunks_exact_mut(size).zip(x.par_chunks(size)).for_each(|(packed, rows)| {
        for (row, values) in rows.chunks_exact(depth).enumerate() {
            for (packed, value) in packed.chunks_exact_mut(tile).zip(values) {
                packed[row] = *value;
            }
        }
    });
    packed
}

/// A weight from some column on.
#[derive(Clone, Copy)]
struct Weight<'a> {
    values: &'a [f32],
    depth: usize,
    columns: usize,
    first: usize,
}

/// What is copied to the cache at a time, as `[panels, depth, PANEL]`.
#[derive(Clone, Copy)]
struct Block {
    row: usize,
    column: usize,
    depth: usize,
    width: usize,
}

impl Weight<'_> {
    /// The blocks of so many columns: all depths of the first columns first.
    fn blocks(self, width: usize) -> Vec<Block> {
        let [deep, wide] = BLOCK;
        let columns = (0..width).step_by(wide);
        columns
            .flat_map(|column| (0..self.depth).step_by(deep).map(move |row| (row, column)))
            .map(|(row, column)| Block {
                row,
                column,
                depth: deep.min(self.depth - row),
                width: wide.min(width - column),
            })
            .collect()
    }

    /// Where a row of a block begins.
    #[inline(always)]
    fn position(self, block: Block, row: usize) -> usize {
        (block.row + row) * self.columns + self.first + block.column
    }

    #[inline(always)]
    fn copy(self, block: Block, panels: &mut Vec<f32>) {
        let size = block.depth * PANEL;
        panels.resize(block.width.div_ceil(PANEL) * size, 0.0);
        for row in 0..block.depth {
            let values = &self.values[self.position(block, row)..][..block.width];
            for (panel, values) in values.chunks(PANEL).enumerate() {
                panels[panel * size + row * PANEL..][..values.len()].copy_from_slice(values);
            }
        }
    }

    /// A part of a block's rows, of as many parts.
    #[inline(always)]
    fn ahead(self, block: Option<Block>, tiles: usize, part: usize) -> Ahead {
        let Some(block) = block else { return Ahead::default() };
        let parts = tiles * block.width.div_ceil(PANEL);
        let [start, end] =
            [part, part + 1].map(|part| (part * block.depth / parts).min(block.depth));
        Ahead {
            at: self.position(block, start),
            step: self.columns,
            per_row: block.width.div_ceil(LINE),
            rows: end - start,
        }
    }
}

/// Cache lines to be fetched beside the computation.
#[derive(Clone, Copy, Default)]
struct Ahead {
    /// The first one's number.
    at: usize,
    /// Numbers from a row to the next.
    step: usize,
    /// Lines of a row.
    per_row: usize,
    rows: usize,
}

/// Some columns of all rows.
struct Columns<'a, 'b> {
    packed: &'a [f32],
    tile: usize,
    weight: Weight<'a>,
    rows: &'a mut [&'b mut [f32]],
}

impl WithSimd for Columns<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { packed, tile, weight, rows } = self;
        let tiles = rows.len().div_ceil(tile);
        let blocks = weight.blocks(rows[0].len());
        let mut panels = Vec::new();
        for (index, block) in blocks.iter().enumerate() {
            weight.copy(*block, &mut panels);
            let next = blocks.get(index + 1).copied();
            for (panel, values) in panels.chunks_exact(PANEL * block.depth).enumerate() {
                let column = block.column + panel * PANEL;
                for (index, rows) in rows.chunks_mut(tile).enumerate() {
                    let x = &packed[(index * weight.depth + block.row) * tile..];
                    let x = &x[..block.depth * tile];
                    let lines = weight.ahead(next, tiles, panel * tiles + index);
                    let ahead = (weight.values, lines);
                    macro_rules! tiles {
                        ($($rows:literal)*) => {
                            match tile {
                                $($rows => add::<S, $rows>(simd, x, values, ahead, rows, column),)*
                                _ => unreachable!("no tile has more rows"),
                            }
                        };
                    }
                    tiles!(1 2 3 4 5 6 7 8 9 10 11 12 13 14);
                }
            }
        }
    }
}

/// Adds a tile's product with a panel; `x` is `[depth, ROWS]`, the panel `[depth, PANEL]`.
#[inline(always)]
fn add<S: Simd, const ROWS: usize>(
    simd: S,
    x: &[f32],
    panel: &[f32],
    (values, ahead): (&[f32], Ahead),
    rows: &mut [&mut [f32]],
    column: usize,
) {
    let (x, _) = x.as_chunks::<ROWS>();
    let (panel, _) = panel.as_chunks::<PANEL>();
    let width = 2 * S::F32_LANES;
    for part in (0..PANEL).step_by(width) {
        let mut sums = [[simd.splat_f32s(0.0); 2]; ROWS];
        let mut ahead = if part == 0 { ahead } else { Ahead::default() };
        let mut line = 0;
        for (index, (x, panel)) in x.iter().zip(panel).enumerate() {
            // A panel's depth has two lines, to be fetched while all tiles, mostly four, go through it.
            if ahead.rows > 0 && index % 2 == 0 {
                prefetch(values, ahead.at + line * LINE);
                line += 1;
                if line == ahead.per_row {
                    ahead = Ahead { at: ahead.at + ahead.step, rows: ahead.rows - 1, ..ahead };
                    line = 0;
                }
            }
            let (panel, _) = S::as_simd_f32s(&panel[part..][..width]);
            let panel = [panel[0], panel[1]];
            for (sums, x) in sums.iter_mut().zip(x) {
                let x = simd.splat_f32s(*x);
                sums[0] = simd.mul_add_f32s(x, panel[0], sums[0]);
                sums[1] = simd.mul_add_f32s(x, panel[1], sums[1]);
            }
        }
        for (row, sums) in rows.iter_mut().zip(&sums) {
            let end = (column + PANEL).min(row.len());
            let row = &mut row[(column + part).min(end)..end];
            for (row, sum) in row.chunks_mut(S::F32_LANES).zip(sums) {
                let old = simd.partial_load_f32s(row);
                simd.partial_store_f32s(row, simd.add_f32s(old, *sum));
            }
        }
    }
}

/// Asks for the cache line of a number.
#[inline(always)]
#[allow(unsafe_code, reason = "a hint reads nothing, but takes a pointer")]
fn prefetch(values: &[f32], position: usize) {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::x86_64::{_MM_HINT_T1, _mm_prefetch};
        let address = values.as_ptr().wrapping_add(position);
        // SAFETY: a hint, which reads nothing and takes any address; every x86-64 has it.
        unsafe { _mm_prefetch::<_MM_HINT_T1>(address.cast()) };
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = (values, position);
}

#[cfg(test)]
mod tests {
    use burn::tensor::{Device, Distribution, Tensor, Tolerance};

    use super::super::{held, tensor, values};
    use super::*;

    /// Shapes around the sizes of tiles, panels and blocks.
    #[test]
    fn few_rows_are_those_of_burns_product() {
        let device = Device::flex();
        device.seed(3);
        for [rows, depth, columns] in
            [[1, 3, 5], [14, 256, 64], [15, 257, 31], [50, 600, 530], [77, 40, 1030]]
        {
            let noise = |shape: [usize; 2]| {
                Tensor::<2>::random(shape, Distribution::Normal(0.0, 1.0), &device)
            };
            let (x, weight, sum) =
                (noise([rows, depth]), noise([depth, columns]), noise([rows, columns]));
            let bias = noise([1, columns]);
            let right = x.clone().matmul(weight.clone()) + sum.clone() + bias.clone();
            let (x, weight, sum, bias) = (held(x), held(weight), held(sum), held(bias));
            let mut output = values(&sum).to_vec();
            let finish = Finish { bias: values(&bias), activation: None };
            let shape = [rows, depth, columns];
            FewRows { x: values(&x), weight: values(&weight), shape, finish }.add_to(&mut output);
            let tolerance = Tolerance::<f32>::relative(1e-5).set_absolute(1e-4);
            let output = tensor(output, [rows, columns]).into_data();
            output.assert_approx_eq(&right.into_data(), tolerance);
        }
    }
}
