//! The product of few rows and a weight that lies as PyTorch stores it, `[columns, depth]`: dot
//! products of both where they lie. The weight is read once, in its order, and fetched ahead.

use std::ops::Range;

use pulp::{Arch, NullaryFnOnce, Simd, WithSimd};
use rayon::prelude::*;

use super::finish::{FinishRows, Finishing, in_shares};
use super::tile::LANES;
use super::weight::Weight;

/// Numbers of a row that are multiplied at a time: a tile's rows are to stay in the nearest cache.
const DEPTH: usize = 768;
/// Vectors between two looks at the length.
const UNROLLED: usize = 4;
/// What the parts of a row are a multiple of.
const STEP: usize = UNROLLED * LANES;
/// Rows that are to stay in the second cache, at most.
const ROWS: usize = 96;
/// Columns of a tile.
const COLUMNS: usize = 4;
/// Tasks for each core, which may be slower than another: whoever ends before falls asleep.
const TASKS: usize = 16;

/// What is done.
pub(super) struct Dots<'a, F> {
    /// `[rows, depth]`.
    pub x: &'a [f32],
    /// The transpose, `[columns, depth]`.
    pub weight: Weight<'a>,
    /// Those of the weight's that are computed.
    pub columns: Range<usize>,
    /// How the output is finished.
    pub finish: F,
}

impl<F: Finishing> Dots<'_, F> {
    /// Adds the product to `output`, `[rows, columns]`, and finishes it.
    pub fn add_to(&self, output: &mut [f32]) {
        let columns = self.columns.len();
        let arch = Arch::new();
        let parts = parts(self.x, self.weight.columns);
        let share = columns.div_ceil(rayon::current_num_threads() * TASKS).next_multiple_of(LANES);
        let tasks = in_shares(output, columns, share);
        tasks.into_par_iter().enumerate().for_each(|(index, mut rows)| {
            let start = index * share;
            let (weight, first) = (self.weight, self.columns.start + start);
            for part in &parts {
                arch.dispatch(AddPart { part, weight, first, rows: &mut rows });
            }
            let first = [0, start];
            arch.dispatch(FinishRows { finish: &self.finish, first, rows: &mut rows });
        });
    }
}

/// Some of the depth of all rows.
struct Part<'a> {
    /// `[rows, depth.len()]`.
    x: Rows<'a>,
    depth: Range<usize>,
}

enum Rows<'a> {
    AsTheyLie(&'a [f32]),
    /// Rows whose distance is a large power of two would drive each other out of the cache.
    Moved(Vec<f32>),
}

impl Part<'_> {
    fn rows(&self) -> &[f32] {
        match &self.x {
            Rows::AsTheyLie(x) => x,
            Rows::Moved(x) => x,
        }
    }
}

/// As even as can be.
fn parts(x: &[f32], depth: usize) -> Vec<Part<'_>> {
    if depth <= DEPTH {
        return vec![Part { x: Rows::AsTheyLie(x), depth: 0..depth }];
    }
    let length = depth.div_ceil(depth.div_ceil(DEPTH)).next_multiple_of(STEP);
    let parts = (0..depth).into_par_iter().step_by(length).map(|start| {
        let range = start..depth.min(start + length);
        let rows = x.chunks_exact(depth);
        let mut moved = Vec::with_capacity(rows.len() * range.len());
        rows.for_each(|row| moved.extend_from_slice(&row[range.clone()]));
        Part { x: Rows::Moved(moved), depth: range }
    });
    parts.collect()
}

/// Adds a part's product with some columns.
struct AddPart<'a, 'b> {
    part: &'a Part<'a>,
    weight: Weight<'a>,
    /// The first of the columns.
    first: usize,
    /// `[rows][columns]`.
    rows: &'a mut [&'b mut [f32]],
}

impl WithSimd for AddPart<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { part, weight, first, rows } = self;
        // As many sums as registers hold beside what they are made of.
        let most = if S::F32_LANES == LANES { 5 } else { 3 };
        let length = part.depth.len();
        let width = rows.first().map_or(0, |row| row.len());
        let chunk = rows.len().div_ceil(rows.len().div_ceil(ROWS)).next_multiple_of(most);
        let mut widened = [[0.0; DEPTH]; COLUMNS];
        for (rows, x) in rows.chunks_mut(chunk).zip(part.rows().chunks(chunk * length)) {
            let tiles = rows.len().div_ceil(most);
            for column in (0..width).step_by(COLUMNS) {
                let weights = weight.parts(first + column, part.depth.clone(), &mut widened);
                let tile_rows = rows.chunks_mut(most).zip(x.chunks(most * length));
                for (tile, (rows, x)) in tile_rows.enumerate() {
                    let [start, end] = [tile, tile + 1].map(|tile| tile * length / tiles);
                    let ahead = part.depth.start + start..part.depth.start + end;
                    fetch(weight, first + column + COLUMNS, ahead);
                    match rows.len() {
                        1 => add::<S, 1>(simd, x, weights, rows, column),
                        2 => add::<S, 2>(simd, x, weights, rows, column),
                        3 => add::<S, 3>(simd, x, weights, rows, column),
                        4 => add::<S, 4>(simd, x, weights, rows, column),
                        _ => add::<S, 5>(simd, x, weights, rows, column),
                    }
                }
            }
        }
    }
}

/// Asks for parts of columns, which may be past the end.
#[inline(always)]
fn fetch(weight: Weight<'_>, first: usize, depth: Range<usize>) {
    for column in first..first + COLUMNS {
        weight.prefetch(column, depth.clone());
    }
}

/// Adds the dot products of so many rows with columns.
#[inline(always)]
fn add<S: Simd, const ROWS: usize>(
    simd: S,
    x: &[f32],
    weights: [&[f32]; COLUMNS],
    rows: &mut [&mut [f32]],
    column: usize,
) {
    let length = weights[0].len();
    let mut parts: [&[f32]; ROWS] = [&[]; ROWS];
    for (part, row) in parts.iter_mut().zip(x.chunks_exact(length)) {
        *part = row;
    }
    simd.vectorize(Add { simd, x: parts, weights, rows, column });
}

/// A function of its own, since with more about it the compiler moves the sums from registers to
/// memory and back at each step.
struct Add<'a, 'b, 'c, S, const ROWS: usize> {
    simd: S,
    x: [&'a [f32]; ROWS],
    weights: [&'a [f32]; COLUMNS],
    rows: &'b mut [&'c mut [f32]],
    column: usize,
}

impl<S: Simd, const ROWS: usize> NullaryFnOnce for Add<'_, '_, '_, S, ROWS> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let Self { simd, x, weights, rows, column } = self;
        let whole = weights[0].len() / (UNROLLED * S::F32_LANES);
        let done = whole * UNROLLED * S::F32_LANES;
        // Not by closures, after which the compiler would not know the lengths.
        let mut left: [&[[S::f32s; UNROLLED]]; ROWS] = [&[]; ROWS];
        for (left, x) in left.iter_mut().zip(&x) {
            *left = &S::as_simd_f32s(x).0.as_chunks().0[..whole];
        }
        let mut right: [&[[S::f32s; UNROLLED]]; COLUMNS] = [&[]; COLUMNS];
        for (right, weight) in right.iter_mut().zip(&weights) {
            *right = &S::as_simd_f32s(weight).0.as_chunks().0[..whole];
        }
        let mut sums = [[simd.splat_f32s(0.0); ROWS]; COLUMNS];
        for step in 0..whole {
            for vector in 0..UNROLLED {
                for (sums, weight) in sums.iter_mut().zip(&right) {
                    for (sum, x) in sums.iter_mut().zip(&left) {
                        *sum = simd.mul_add_f32s(x[step][vector], weight[step][vector], *sum);
                    }
                }
            }
        }
        for (index, row) in rows.iter_mut().enumerate().take(ROWS) {
            let mut totals = [0.0; COLUMNS];
            for (total, sums) in totals.iter_mut().zip(&sums) {
                *total = simd.reduce_sum_f32s(sums[index]);
            }
            if done < weights[0].len() {
                for (total, weight) in totals.iter_mut().zip(&weights) {
                    let rest = x[index][done..].iter().zip(&weight[done..]);
                    *total += rest.map(|(x, weight)| x * weight).sum::<f32>();
                }
            }
            // As one vector, unless the row ends before.
            match row[column..].first_chunk_mut::<COLUMNS>() {
                Some(output) => {
                    for (output, total) in output.iter_mut().zip(totals) {
                        *output += total;
                    }
                }
                None => {
                    for (output, total) in row[column..].iter_mut().zip(totals) {
                        *output += total;
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::{DType, Device, Distribution, Tensor, Tolerance};

    use super::super::finish::Finish;
    use super::super::weight::Held;
    use super::super::{held, tensor, values};
    use super::*;

    fn noise(shape: [usize; 2]) -> Tensor<2> {
        Tensor::random(shape, Distribution::Normal(0.0, 1.0), &Device::flex())
    }

    /// Some columns by both; the transpose is the weight in any format.
    fn compare(rows: usize, transpose: Tensor<2>, columns: Range<usize>) {
        let format = transpose.dtype();
        let [_, depth] = transpose.dims();
        let (x, sum) = (noise([rows, depth]), noise([rows, columns.len()]));
        let bias = noise([1, columns.len()]);
        let part = transpose.clone().cast(DType::F32).slice([columns.clone(), 0..depth]);
        let right = x.clone().matmul(part.transpose()) + sum.clone() + bias.clone();
        let (x, sum, bias) = (held(x), held(sum), held(bias));
        let weight = Held::new(transpose.transpose());
        let mut output = values(&sum).to_vec();
        let shape = [rows, columns.len()];
        let finish = Finish { bias: values(&bias), activation: None };
        Dots { x: values(&x), weight: weight.weight(), columns, finish }.add_to(&mut output);
        // Sums of both signs are rounded by what passed through them.
        let absolute = 1e-5 + 2.5e-7 * depth as f32;
        let tolerance = Tolerance::<f32>::relative(1e-5).set_absolute(absolute);
        let output = tensor(output, shape).into_data();
        println!("{format:?} {shape:?} of {depth}");
        output.assert_approx_eq(&right.into_data(), tolerance);
    }

    /// Shapes around the sizes of tiles, steps and parts; all of the columns, and some.
    #[test]
    fn dot_products_are_those_of_burns_product() {
        Device::flex().seed(5);
        for [rows, depth, columns] in
            [[1, 3, 5], [2, 64, 16], [3, 65, 31], [50, 768, 130], [97, 769, 66], [128, 1700, 20]]
        {
            for format in [DType::F32, DType::BF16, DType::F16] {
                let transpose = noise([columns, depth]).cast(format);
                compare(rows, transpose.clone(), 0..columns);
                compare(rows, transpose, columns / 3..columns);
            }
        }
    }
}
