//! Convolutions of 3x3 by F(2x2, 3x3) of Lavin and Gray 2016, "Fast Algorithms for Convolutional
//! Neural Networks": 16 multiplications for four outputs, where windows take 36. Larger tiles would take
//! fewer, but their transforms multiply, and round more; these add and halve.

use std::array;
use std::ops::Range;

use pulp::{Arch, NullaryFnOnce, Simd, WithSimd};
use rayon::prelude::*;

use super::super::finish::Finishing;
use super::super::packed::{Left, PackedWeight, Rows};
use super::super::tile::{self, LANES};
use super::super::weight::{Ordered, Weight};
use super::pixels::Pixels;
use super::transform::{OfInput, OfProducts, OfWeight, transform};

/// Pixels of a window's side.
const WINDOW: usize = 3;
/// Of a tile's, and products of a tile.
const SIDE: usize = 4;
const PRODUCTS: usize = SIDE * SIDE;
/// Outputs of a tile's side.
const OUTPUTS: usize = 2;
/// Tiles of a task, about: what is made of them is to stay in the second cache.
const TILES: usize = 48;
/// Tasks for each core, at least, if there are as many rows of tiles.
const TASKS: usize = 4;

/// A convolution of 3x3 with a stride of one and a border of one pixel.
pub(super) struct Winograd<'a, F> {
    pub x: &'a Pixels,
    pub weight: &'a TransformedWeight,
    pub finish: F,
}

/// A weight, transformed and packed for any number of images.
#[derive(Debug)]
pub(super) struct TransformedWeight {
    by_product: Vec<PackedWeight>,
    columns: usize,
}

impl TransformedWeight {
    /// Of `[out, in, 3, 3]`.
    pub fn new(weight: &[f32], columns: usize) -> Self {
        let channels = weight.len() / (columns * WINDOW * WINDOW);
        let weight = transformed(weight, channels);
        let weight = Ordered::ByColumns(Weight::of(&weight, [columns, PRODUCTS * channels]));
        let pack = |depth| PackedWeight::new(weight, depth, 0..columns);
        Self { by_product: products(channels).map(pack).collect(), columns }
    }
}

impl<F: Finishing> Winograd<'_, F> {
    /// Writes `output`, `[batch, height, width, out]`, and finishes it.
    pub fn write(&self, output: &mut [f32]) {
        let [_, height, width, _] = self.x.shape;
        let row = width * self.weight.columns;
        let images = output.chunks_exact_mut(height * row);
        let mut tile_rows: Vec<_> =
            images.flat_map(|image| image.chunks_mut(OUTPUTS * row)).collect();
        let most = tile_rows.len().div_ceil(TASKS * rayon::current_num_threads()).max(1);
        let share = (TILES / width.div_ceil(OUTPUTS)).clamp(1, most);
        let tasks = tile_rows.par_chunks_mut(share).enumerate();
        let arch = Arch::new();
        tasks.for_each_init(Buffers::default, |buffers, (index, rows)| {
            arch.dispatch(Task { convolution: self, first: index * share, buffers, rows });
        });
    }
}

/// The depths of each product.
fn products(channels: usize) -> impl Iterator<Item = Range<usize>> {
    (0..PRODUCTS).map(move |product| product * channels..(product + 1) * channels)
}

/// `[out, in, 3, 3]` to `[out, 16, in]`.
fn transformed(weight: &[f32], channels: usize) -> Vec<f32> {
    let size = channels * WINDOW * WINDOW;
    let mut output = vec![0.0; weight.len() / size * PRODUCTS * channels];
    let tasks = output.par_chunks_mut(PRODUCTS * channels).zip(weight.par_chunks(size));
    let arch = Arch::new();
    tasks.for_each_init(Vec::new, |turned, (to, from)| {
        turned.clear();
        for pixel in 0..WINDOW * WINDOW {
            turned.extend(from[pixel..].iter().step_by(WINDOW * WINDOW));
        }
        arch.dispatch(TransformWeight { turned, to });
    });
    output
}

/// Of one output.
struct TransformWeight<'a> {
    /// `[9, in]`.
    turned: &'a [f32],
    /// `[16, in]`.
    to: &'a mut [f32],
}

impl WithSimd for TransformWeight<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { turned, to } = self;
        let channels = turned.len() / (WINDOW * WINDOW);
        let from = square::<WINDOW, _>(turned.chunks_exact(channels));
        let to = square::<SIDE, _>(to.chunks_exact_mut(channels));
        transform::<OfWeight, _, _, _>(simd, from, to);
    }
}

/// As many as a square holds, row by row.
#[inline(always)]
fn square<const N: usize, T: Default>(mut values: impl Iterator<Item = T>) -> [[T; N]; N] {
    array::from_fn(|_| array::from_fn(|_| values.next().unwrap_or_default()))
}

/// What a core's tasks use one after the other.
#[derive(Default)]
struct Buffers {
    /// `[tiles, 16, in]`, transformed.
    input: Vec<f32>,
    /// `[tiles, 16, out]`.
    products: Vec<f32>,
    packed: Vec<f32>,
    /// Outputs that no image has.
    spare: Vec<f32>,
}

/// Some rows of tiles.
struct Task<'a, 'b, F> {
    convolution: &'a Winograd<'a, F>,
    /// The first of the rows of tiles.
    first: usize,
    buffers: &'a mut Buffers,
    /// Of each row of tiles the pixels, `[2 or 1, width, out]`.
    rows: &'a mut [&'b mut [f32]],
}

impl<F: Finishing> WithSimd for Task<'_, '_, F> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { convolution, first, buffers, rows } = self;
        let Winograd { x: pixels, weight, finish } = convolution;
        let TransformedWeight { by_product, columns } = weight;
        let [_, height, width, channels] = pixels.shape;
        let tiles = width.div_ceil(OUTPUTS);
        let [input, products] = [channels, *columns].map(stride);
        let border = &vec![0.0; channels][..];
        buffers.input.resize(rows.len() * tiles * input, 0.0);
        let tile_rows = height.div_ceil(OUTPUTS);
        for (index, to) in buffers.input.chunks_exact_mut(input).enumerate() {
            let (row, column) = (first + index / tiles, index % tiles);
            let tile = [row / tile_rows, row % tile_rows, column];
            simd.vectorize(TransformInput { simd, pixels, border, tile, to });
        }
        buffers.products.clear();
        buffers.products.resize(rows.len() * tiles * products, 0.0);
        let x = Rows::Of(tile::Left { values: &buffers.input, row: input, column: 1 });
        for (product, weight) in by_product.iter().enumerate() {
            let of_tiles = buffers.products.chunks_exact_mut(products);
            let mut output: Vec<_> =
                of_tiles.map(|tile| &mut tile[product * columns..][..*columns]).collect();
            let left = Left { x, first: 0, tiles: None };
            weight.add_product(simd, left, 0..*columns, &mut buffers.packed, &mut output);
        }
        buffers.spare.resize(OUTPUTS * OUTPUTS * columns, 0.0);
        let of_rows = buffers.products.chunks_exact(tiles * products);
        for (index, (products, row)) in of_rows.zip(rows).enumerate() {
            let (image, y) = ((first + index) / tile_rows, (first + index) % tile_rows * OUTPUTS);
            let first = (image * height + y) * width;
            let (columns, spare) = (*columns, &mut buffers.spare[..]);
            simd.vectorize(FinishTiles {
                simd,
                products,
                width,
                columns,
                finish,
                first,
                spare,
                row,
            });
        }
    }
}

/// From a tile to the next: rows whose distance is a large power of two would drive each other out of
/// the cache.
fn stride(channels: usize) -> usize {
    PRODUCTS * channels + LANES
}

/// One tile.
struct TransformInput<'a, S> {
    simd: S,
    pixels: &'a Pixels,
    /// What a pixel of the border is.
    border: &'a [f32],
    /// The image, the row and the column.
    tile: [usize; 3],
    /// `[16, in]`.
    to: &'a mut [f32],
}

impl<S: Simd> NullaryFnOnce for TransformInput<'_, S> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let Self { simd, pixels, border, tile: [image, row, column], to } = self;
        let pixel = |index: usize| {
            // The border comes first.
            let y = (row * OUTPUTS + index / SIDE).checked_sub(1);
            let x = (column * OUTPUTS + index % SIDE).checked_sub(1);
            y.zip(x).and_then(|(y, x)| pixels.pixel(image, y, x)).unwrap_or(border)
        };
        let from = square::<SIDE, _>((0..PRODUCTS).map(pixel));
        let to = square::<SIDE, _>(to.chunks_exact_mut(border.len()));
        transform::<OfInput, _, _, _>(simd, from, to);
    }
}

/// A row of tiles.
struct FinishTiles<'a, S, F> {
    simd: S,
    /// `[tiles, 16, out]`, each tile a [`stride`] long.
    products: &'a [f32],
    width: usize,
    columns: usize,
    finish: &'a F,
    /// The first pixel of all.
    first: usize,
    /// `[4, out]`, for outputs that no image has.
    spare: &'a mut [f32],
    /// `[2 or 1, width, out]`.
    row: &'a mut [f32],
}

impl<S: Simd, F: Finishing> NullaryFnOnce for FinishTiles<'_, S, F> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let Self { simd, products, width, columns, finish, first, spare, row } = self;
        let (top, bottom) = row.split_at_mut(width * columns);
        let [mut top, mut bottom] = [top, bottom].map(|row| row.chunks_mut(OUTPUTS * columns));
        for products in products.chunks_exact(stride(columns)) {
            let from = square::<SIDE, _>(products.chunks_exact(columns));
            let mut spare = spare.chunks_exact_mut(columns);
            let to = [&mut top, &mut bottom].map(|row| {
                let mut pixels = row.next().unwrap_or_default().chunks_exact_mut(columns);
                array::from_fn(|_| pixels.next().or_else(|| spare.next()).unwrap_or_default())
            });
            transform::<OfProducts, _, _, _>(simd, from, to);
        }
        for (pixel, values) in row.chunks_exact_mut(columns).enumerate() {
            finish.finish(first + pixel, 0, values);
        }
    }
}
