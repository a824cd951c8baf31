//! The product of few rows and a large weight in Burn's order, which waits for memory more than it
//! computes: the weight is read once, where it lies, and fetched ahead. (One in PyTorch's order:
//! `dots.rs`.)
//!
//! Products of many rows are better left to `gemm`, which for few packs the weight again for each
//! part that it hands to a core.

use std::ops::Range;

use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

use super::linear::{Finish, in_shares};
use super::tile::LANES;
use super::weight::Weight;

/// Columns that a task is a multiple of: two of the widest vectors.
const PANEL: usize = 2 * LANES;
/// Rows and columns of the weight that are copied to the cache at a time, at most: a quarter of a
/// mebibyte.
const DEPTH: usize = 256;
const COLUMNS: usize = 256;
/// Depths between two looks at what is to be fetched.
const UNROLLED: usize = 4;

/// What is done.
pub(super) struct FewRows<'a> {
    /// `[rows, depth]`.
    pub x: &'a [f32],
    pub weight: Weight<'a>,
    /// Those of the weight's that are computed.
    pub columns: Range<usize>,
    /// How the output is finished, `[columns]` of bias.
    pub finish: Finish<'a>,
}

impl FewRows<'_> {
    /// Adds the product to `output`, `[rows, columns]`, and finishes it.
    pub fn add_to(&self, output: &mut [f32]) {
        let columns = self.columns.len();
        let rows = self.x.len() / self.weight.depth;
        let arch = Arch::new();
        // As even as can be: a last tile of few rows would cost as much as a whole one.
        let tile = rows.div_ceil(rows.div_ceil(arch.dispatch(MostRows)));
        let packed = packed(self.x, self.weight.depth, tile);
        let share = share(columns);
        let tasks = in_shares(output, columns, share);
        tasks.into_par_iter().enumerate().for_each_init(Vec::new, |panels, (index, mut rows)| {
            let start = index * share;
            let (first, end) = (self.columns.start + start, self.columns.end);
            let part = Part { weight: self.weight, first, width: rows[0].len(), end };
            arch.dispatch(Columns { packed: &packed, tile, part, panels, rows: &mut rows });
            for row in rows {
                arch.dispatch(self.finish.of(row, start));
            }
        });
    }
}

/// Columns of a task: as many tasks for each core, which may be slower than another.
fn share(columns: usize) -> usize {
    let threads = rayon::current_num_threads();
    let tasks = threads * columns.div_ceil(threads * COLUMNS);
    columns.div_ceil(tasks).next_multiple_of(PANEL)
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

/// Columns of a weight, and where those end that others compute.
#[derive(Clone, Copy)]
struct Part<'a> {
    weight: Weight<'a>,
    first: usize,
    width: usize,
    end: usize,
}

/// What is copied to the cache at a time.
#[derive(Clone, Copy)]
struct Block {
    row: usize,
    depth: usize,
    first: usize,
    width: usize,
}

impl Part<'_> {
    fn block(self, row: usize) -> Block {
        let depth = DEPTH.min(self.weight.depth - row);
        Block { row, depth, first: self.first, width: self.width }
    }

    /// What is likely to come next on this core: more of the depth, or the next columns.
    fn after(self, block: Block) -> Block {
        let row = block.row + block.depth;
        if row < self.weight.depth {
            return self.block(row);
        }
        let first = self.first + self.width;
        Self { first, width: self.width.min(self.end - first), ..self }.block(0)
    }

    /// A block as `[panels, depth, panel]`.
    #[inline(always)]
    fn copy(self, block: Block, panel: usize, panels: &mut Vec<f32>) {
        let size = block.depth * panel;
        panels.resize(block.width.div_ceil(panel) * size, 0.0);
        for row in 0..block.depth {
            for (index, column) in (0..block.width).step_by(panel).enumerate() {
                let width = panel.min(block.width - column);
                let to = &mut panels[index * size + row * panel..][..width];
                self.weight.read(block.row + row, block.first + column, to);
            }
        }
    }

    /// One of so many parts of a block's rows.
    #[inline(always)]
    fn ahead(self, block: Block, parts: usize, part: usize) -> Ahead {
        let [start, end] = [part, part + 1].map(|part| part * block.depth / parts);
        Ahead {
            at: (block.row + start) * self.weight.columns + block.first,
            column: 0,
            width: block.width,
            step: self.weight.columns,
            line: self.weight.line(),
            rows: end - start,
        }
    }
}

/// Cache lines to be fetched beside the computation.
#[derive(Clone, Copy)]
struct Ahead {
    /// The number that a row begins with.
    at: usize,
    column: usize,
    width: usize,
    /// Numbers from a row to the next.
    step: usize,
    /// Numbers of a line.
    line: usize,
    rows: usize,
}

impl Ahead {
    #[inline(always)]
    fn fetch(&mut self, weight: Weight<'_>, lines: usize) {
        for _ in 0..lines {
            if self.rows == 0 || self.width == 0 {
                return;
            }
            weight.prefetch(self.at + self.column);
            self.column += self.line;
            if self.column >= self.width {
                (self.column, self.at, self.rows) = (0, self.at + self.step, self.rows - 1);
            }
        }
    }
}

/// Some columns of all rows.
struct Columns<'a, 'b> {
    packed: &'a [f32],
    tile: usize,
    part: Part<'a>,
    panels: &'a mut Vec<f32>,
    rows: &'a mut [&'b mut [f32]],
}

impl WithSimd for Columns<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { packed, tile, part, panels, rows } = self;
        let (weight, panel) = (part.weight, 2 * S::F32_LANES);
        let tiles = rows.len().div_ceil(tile);
        for row in (0..weight.depth).step_by(DEPTH) {
            let block = part.block(row);
            part.copy(block, panel, panels);
            let next = part.after(block);
            let parts = tiles * block.width.div_ceil(panel);
            for (index, values) in panels.chunks_exact(panel * block.depth).enumerate() {
                for (at, rows) in rows.chunks_mut(tile).enumerate() {
                    let x = &packed[(at * weight.depth + row) * tile..][..block.depth * tile];
                    let ahead = (weight, part.ahead(next, parts, index * tiles + at));
                    let column = index * panel;
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

/// Adds a tile's product with a panel; `x` is `[depth, ROWS]`, the panel `[depth, 2 vectors]`.
#[inline(always)]
fn add<S: Simd, const ROWS: usize>(
    simd: S,
    x: &[f32],
    panel: &[f32],
    (weight, mut ahead): (Weight<'_>, Ahead),
    rows: &mut [&mut [f32]],
    column: usize,
) {
    let (x, _) = x.as_chunks::<ROWS>();
    let (panel, _) = S::as_simd_f32s(panel);
    let (panel, _) = panel.as_chunks::<2>();
    let mut sums = [[simd.splat_f32s(0.0); 2]; ROWS];
    let ((x, x_rest), (panel, panel_rest)) = (x.as_chunks(), panel.as_chunks());
    for (x, panel) in x.iter().zip(panel) {
        // Half a line for each depth: a panel has one or two, and all tiles go through it.
        ahead.fetch(weight, UNROLLED / 2);
        let (x, panel): (&[[f32; ROWS]; UNROLLED], &[[S::f32s; 2]; UNROLLED]) = (x, panel);
        for (x, panel) in x.iter().zip(panel) {
            sums = added(simd, sums, x, panel);
        }
    }
    for (x, panel) in x_rest.iter().zip(panel_rest) {
        sums = added(simd, sums, x, panel);
    }
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

/// The sums with one depth more.
#[inline(always)]
fn added<S: Simd, const ROWS: usize>(
    simd: S,
    mut sums: [[S::f32s; 2]; ROWS],
    x: &[f32; ROWS],
    panel: &[S::f32s; 2],
) -> [[S::f32s; 2]; ROWS] {
    for (sums, x) in sums.iter_mut().zip(x) {
        let x = simd.splat_f32s(*x);
        sums[0] = simd.mul_add_f32s(x, panel[0], sums[0]);
        sums[1] = simd.mul_add_f32s(x, panel[1], sums[1]);
    }
    sums
}

#[cfg(test)]
mod tests {
    use burn::tensor::{DType, Device, Distribution, Tensor, Tolerance};

    use super::super::weight::Held;
    use super::super::{held, tensor, values};
    use super::*;
    use crate::int8;

    fn noise(shape: [usize; 2]) -> Tensor<2> {
        Tensor::random(shape, Distribution::Normal(0.0, 1.0), &Device::flex())
    }

    /// Some columns by both; `widened` is the weight in f32, by Burn's means.
    fn compare(rows: usize, weight: Tensor<2>, widened: Tensor<2>, columns: Range<usize>) {
        let format = weight.dtype();
        let [depth, _] = weight.dims();
        let (x, sum) = (noise([rows, depth]), noise([rows, columns.len()]));
        let bias = noise([1, columns.len()]);
        let widened = widened.slice([0..depth, columns.clone()]);
        let right = x.clone().matmul(widened) + sum.clone() + bias.clone();
        let (x, sum, bias) = (held(x), held(sum), held(bias));
        let weight = Held::new(weight);
        let mut output = values(&sum).to_vec();
        let shape = [rows, columns.len()];
        let finish = Finish { bias: values(&bias), activation: None };
        FewRows { x: values(&x), weight: weight.weight(), columns, finish }.add_to(&mut output);
        let tolerance = Tolerance::<f32>::relative(1e-5).set_absolute(1e-4);
        let output = tensor(output, shape).into_data();
        println!("{format:?} {shape:?} of {depth}");
        output.assert_approx_eq(&right.into_data(), tolerance);
    }

    /// Shapes around the sizes of tiles, panels and blocks.
    #[test]
    fn few_rows_are_those_of_burns_product() {
        Device::flex().seed(3);
        for [rows, depth, columns] in
            [[1, 3, 5], [14, 256, 64], [15, 257, 31], [50, 600, 530], [77, 40, 1030]]
        {
            let weight = noise([depth, columns]);
            compare(rows, weight.clone(), weight.clone(), 0..columns);
            compare(rows, weight.clone(), weight, columns / 3..columns);
        }
    }

    #[test]
    fn a_weight_in_any_format_is_read_as_burn_reads_it() {
        Device::flex().seed(3);
        for [rows, depth, columns] in [[1, 3, 32], [15, 257, 96], [50, 600, 544]] {
            for format in [DType::BF16, DType::F16] {
                let weight = noise([depth, columns]).cast(format);
                compare(rows, weight.clone(), weight.cast(DType::F32), 0..columns);
            }
            let weight = noise([depth, columns]).quantize_dynamic(&int8::scheme());
            compare(rows, weight.clone(), weight.clone().dequantize(), 0..columns);
            let half = columns / 32 * 16;
            compare(rows, weight.clone(), weight.dequantize(), half..columns);
        }
    }
}
