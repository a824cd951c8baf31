//! The product of rows and a weight in either order, packed as the processor's registers take it:
//! in panels of columns. Both orders cost about the same, and so does any format of the weight, since
//! it is read once for all rows. Rows are packed in tiles where they can't be read as they lie.

mod kernel;
mod left;
mod pack;
mod prepacked;
mod turn;
mod weight;

use std::ops::Range;

use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

use self::kernel::{Source, Tile, are_read_where_they_lie, most_rows};
pub(super) use self::left::{Rows, Windows};
use self::pack::{Lines, STEP, Tiles};
pub(super) use self::prepacked::Prepacked;
pub(super) use self::weight::{Left, PackedWeight};
use super::finish::{FinishRows, Finishing, in_shares};
use super::tile::LANES;
use super::weight::Ordered;

/// Columns that a task is a multiple of: two of the widest vectors.
pub(super) const PANEL: usize = 2 * LANES;
/// Columns of a task and rows of the weight that are packed at a time, at most: 0.3 MB, to lie in the
/// second cache.
const COLUMNS: usize = 192;
const DEPTH: usize = 384;
/// Tasks for each core, which may be slower than another, at least.
const TASKS: usize = 4;

/// What is done.
pub(super) struct Packed<'a, F> {
    /// `[rows, depth]`.
    pub x: Rows<'a>,
    pub weight: Ordered<'a>,
    /// Those of the weight's that are computed.
    pub columns: Range<usize>,
    /// How the output is finished.
    pub finish: F,
}

impl<F: Finishing> Packed<'_, F> {
    /// Adds the product to `output`, `[rows, columns]`, and finishes it.
    pub fn add_to(&self, output: &mut [f32]) {
        let columns = self.columns.len();
        let rows = output.len() / columns;
        match are_for_rows(rows, columns) {
            true => self.add_by_rows(output),
            false => self.add_by_columns(rows, output),
        }
    }

    /// Each task takes some rows; the weight is packed once for all.
    fn add_by_rows(&self, output: &mut [f32]) {
        let Self { x, weight, columns, finish } = self;
        let packed = PackedWeight::new(*weight, 0..weight.depth(), columns.clone());
        let columns = 0..columns.len();
        Prepacked { x: *x, weight: &packed, columns, finish }.add_by_rows(output);
    }

    /// Each task takes some columns; the rows are packed once for all.
    fn add_by_columns(&self, rows: usize, output: &mut [f32]) {
        let columns = self.columns.len();
        let arch = Arch::new();
        let (x, weight) = (self.x, self.weight);
        let tiles = arch.dispatch(PackRows { x, rows, depth: weight.depth() });
        let tiles = tiles.as_ref();
        let share = share(columns);
        let tasks = in_shares(output, columns, share);
        tasks.into_par_iter().enumerate().for_each_init(Vec::new, |buffer, (index, mut rows)| {
            let start = index * share;
            let first = self.columns.start + start;
            arch.dispatch(Columns { x, tiles, weight, first, buffer, rows: &mut rows });
            arch.dispatch(FinishRows { finish: &self.finish, first: [0, start], rows: &mut rows });
        });
    }
}

/// Whether tasks take rows rather than columns: there are more, and enough for all cores.
fn are_for_rows(rows: usize, columns: usize) -> bool {
    rows >= columns && rows >= rayon::current_num_threads() * TASKS * prepacked::ROWS
}

/// Depths that are packed at a time: as many each time, if there are more.
fn depths(depth: Range<usize>) -> impl Iterator<Item = Range<usize>> {
    let length = depth.len().div_ceil(depth.len().div_ceil(DEPTH).max(1));
    let length = length.next_multiple_of(LANES).max(LANES);
    depth.clone().step_by(length).map(move |start| start..depth.end.min(start + length))
}

/// Columns of a task: as many tasks for each core.
fn share(columns: usize) -> usize {
    let threads = rayon::current_num_threads();
    let tasks = threads * columns.div_ceil(threads * COLUMNS).max(TASKS);
    columns.div_ceil(tasks).next_multiple_of(PANEL)
}

/// All rows, if they have to be packed.
struct PackRows<'a> {
    x: Rows<'a>,
    rows: usize,
    depth: usize,
}

impl WithSimd for PackRows<'_> {
    type Output = Option<Tiles>;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> Option<Tiles> {
        let Self { x, rows, depth } = self;
        let pack = || Tiles::packed(x, [rows, depth], most_rows::<S>());
        (!are_read_where_they_lie::<S>(x, depth)).then(pack)
    }
}

/// Some columns of all rows.
struct Columns<'a, 'b> {
    x: Rows<'a>,
    /// The same, packed.
    tiles: Option<&'a Tiles>,
    weight: Ordered<'a>,
    /// The first of the columns.
    first: usize,
    buffer: &'a mut Vec<f32>,
    /// `[rows][columns]`.
    rows: &'a mut [&'b mut [f32]],
}

impl WithSimd for Columns<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { x, tiles, weight, first, buffer, rows } = self;
        let (panel, most) = (2 * S::F32_LANES, most_rows::<S>());
        let width = rows.first().map_or(0, |row| row.len());
        for depth in depths(0..weight.depth()) {
            let lines = Lines { weight, depth: depth.clone(), columns: first..first + width };
            let (panels, size) = lines.packed(panel, buffer);
            let panels = &buffer[panels];
            // All panels for a tile: the output is written in its order.
            for (index, rows) in rows.chunks_mut(most).enumerate() {
                let x = match tiles {
                    Some(tiles) => Source::Packed(tiles.tile(index, depth.clone())),
                    None => Source::Lying { x, first: index * most, depth: depth.clone() },
                };
                for (index, panel_values) in panels.chunks_exact(size).enumerate() {
                    Tile { x: x.clone(), panel: panel_values, column: index * panel }
                        .add_to(simd, rows);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::{DType, Device, Distribution, Tensor, Tolerance};

    use super::super::finish::Finish;
    use super::super::tile::Left;
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
        let turned = held(x.clone().transpose());
        let (x, sum, bias) = (held(x), held(sum), held(bias));
        let weight = Held::new(weight);
        let weight = weight.ordered();
        // Sums of both signs are rounded by what passed through them.
        let absolute = 1e-5 + 2.5e-7 * depth as f32;
        let tolerance = Tolerance::<f32>::relative(1e-5).set_absolute(absolute);
        for x in [
            Left { values: values(&x), row: depth, column: 1 },
            Left { values: values(&turned), row: 1, column: rows },
        ] {
            let finish = Finish { bias: values(&bias), activation: None };
            let packed = Packed { x: Rows::Of(x), weight, columns: columns.clone(), finish };
            println!("{format:?} {rows} rows of {depth}, columns {columns:?}, left {}", x.column);
            // Whichever the number of cores would choose.
            let (mut by_rows, mut by_columns) = (values(&sum).to_vec(), values(&sum).to_vec());
            packed.add_by_rows(&mut by_rows);
            packed.add_by_columns(rows, &mut by_columns);
            // Of a panel that is not the first, if there are more.
            let mut prepacked = values(&sum).to_vec();
            let first = columns.start % PANEL;
            let weight = &PackedWeight::new(weight, 0..depth, first..weight.columns());
            let Packed { x, ref columns, ref finish, .. } = packed;
            let of = columns.start - first..columns.end - first;
            Prepacked { x, weight, columns: of, finish }.add_by_columns(&mut prepacked);
            for output in [by_rows, by_columns, prepacked] {
                let output = tensor(output, [rows, columns.len()]).into_data();
                output.assert_approx_eq(&right.to_data(), tolerance);
            }
        }
    }

    /// Shapes around the sizes of tiles, steps, panels and blocks.
    #[test]
    fn packed_products_are_those_of_burns() {
        Device::flex().seed(3);
        for [rows, depth, columns] in [
            [1, 3, 5],
            [14, 256, 64],
            [15, 385, 31],
            [50, 800, 530],
            [77, 40, 1030],
            [4, 9, 900],
            [800, 400, 90],
        ] {
            let weight = noise([depth, columns]);
            let transpose = noise([columns, depth]).transpose();
            for weight in [weight, transpose] {
                compare(rows, weight.clone(), weight.clone(), 0..columns);
                compare(rows, weight.clone(), weight, columns / 3..columns);
            }
        }
    }

    #[test]
    fn a_processor_without_vectors_computes_the_same() {
        let scalar = pulp::Scalar::new();
        Device::flex().seed(3);
        // The rows are packed, then read where they lie.
        for [rows, depth, columns] in [[7, 19, 11], [7, 24, 11]] {
            let (x, transpose) = (noise([rows, depth]), noise([columns, depth]));
            let right = x.clone().matmul(transpose.clone().transpose());
            let (x, by_rows) = (held(x), Held::by_rows(transpose.clone().transpose()));
            let by_columns = Held::new(transpose.transpose());
            let x = Rows::Of(Left { values: values(&x), row: depth, column: 1 });
            let packed = PackRows { x, rows, depth }.with_simd(scalar);
            for weight in [by_rows.ordered(), by_columns.ordered()] {
                let (mut output, mut buffer) = (vec![0.0; rows * columns], Vec::new());
                assert_eq!(packed.is_some(), depth == 19);
                let mut rows: Vec<_> = output.chunks_exact_mut(columns).collect();
                let (buffer, rows) = (&mut buffer, rows.as_mut_slice());
                let tiles = packed.as_ref();
                Columns { x, tiles, weight, first: 0, buffer, rows }.with_simd(scalar);
                let output = tensor(output, right.dims()).into_data();
                output.assert_approx_eq(&right.to_data(), Tolerance::<f32>::absolute(1e-5));
            }
        }
    }

    #[test]
    fn a_weight_in_any_format_is_read_as_burn_reads_it() {
        Device::flex().seed(3);
        for [rows, depth, columns] in [[1, 3, 32], [15, 257, 96], [50, 600, 544]] {
            for format in [DType::BF16, DType::F16] {
                let weight = noise([depth, columns]).cast(format);
                let transpose = noise([columns, depth]).cast(format).transpose();
                for weight in [weight, transpose] {
                    compare(rows, weight.clone(), weight.cast(DType::F32), 0..columns);
                }
            }
            let weight = noise([depth, columns]).quantize_dynamic(&int8::scheme());
            compare(rows, weight.clone(), weight.clone().dequantize(), 0..columns);
            let half = columns / 32 * 16;
            compare(rows, weight.clone(), weight.dequantize(), half..columns);
        }
    }
}
