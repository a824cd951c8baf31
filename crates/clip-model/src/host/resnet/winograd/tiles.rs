//! The way from pixels to what is multiplied, and back.

use std::array;

use pulp::{NullaryFnOnce, Simd, WithSimd};

use super::super::super::finish::Finishing;
use super::super::super::tile::LANES;
use super::super::pixels::Pixels;
use super::transform::{OfInput, OfProducts, transform};
use super::{OUTPUTS, PRODUCTS, SIDE, Winograd, square};

/// From a tile to the next: rows whose distance is a large power of two would drive each other out of
/// the cache.
pub(super) fn stride(channels: usize) -> usize {
    PRODUCTS * channels + LANES
}

/// Some tiles, one after the other.
pub(super) struct TransformTiles<'a, F> {
    pub convolution: &'a Winograd<'a, F>,
    /// The first of them, among those of all images.
    pub first: usize,
    /// `[tiles, 16, in]`, each tile a [`stride`] long.
    pub to: &'a mut [f32],
}

impl<F: Finishing> WithSimd for TransformTiles<'_, F> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { convolution, first, to } = self;
        let (pixels, [high, wide]) = (convolution.x, convolution.tiles());
        let [.., channels] = pixels.shape;
        let border = &vec![0.0; channels][..];
        for (index, to) in to.chunks_exact_mut(stride(channels)).enumerate() {
            let (row, column) = ((first + index) / wide, (first + index) % wide);
            let tile = [row / high, row % high, column];
            simd.vectorize(TransformInput { simd, pixels, border, tile, to });
        }
    }
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

/// Products, wherever they lie.
#[derive(Clone, Copy)]
pub(super) struct Products<'a> {
    pub values: &'a [f32],
    /// From a tile to the next.
    pub tile: usize,
    /// From a product of a tile to the next.
    pub product: usize,
}

/// Some rows of tiles.
pub(super) struct FinishTiles<'a, 'b, F> {
    pub convolution: &'a Winograd<'a, F>,
    pub products: Products<'a>,
    /// The first of the rows, among those of all images.
    pub first: usize,
    /// Outputs that no image has.
    pub spare: &'a mut Vec<f32>,
    /// Of each row of tiles the pixels, `[2 or 1, width, out]`.
    pub rows: &'a mut [&'b mut [f32]],
}

impl<F: Finishing> WithSimd for FinishTiles<'_, '_, F> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { convolution, products, first, spare, rows } = self;
        let Winograd { x: pixels, weight, finish } = convolution;
        let [_, height, width, _] = pixels.shape;
        let ([high, wide], columns) = (convolution.tiles(), weight.columns);
        spare.resize(OUTPUTS * OUTPUTS * columns, 0.0);
        for (index, row) in rows.iter_mut().enumerate() {
            let (image, y) = ((first + index) / high, (first + index) % high * OUTPUTS);
            let first = (image * height + y) * width;
            let products =
                Products { values: &products.values[index * wide * products.tile..], ..products };
            simd.vectorize(FinishRow {
                simd,
                products,
                width,
                columns,
                finish,
                first,
                spare: &mut *spare,
                row,
            });
        }
    }
}

/// A row of tiles.
struct FinishRow<'a, S, F> {
    simd: S,
    products: Products<'a>,
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

impl<S: Simd, F: Finishing> NullaryFnOnce for FinishRow<'_, S, F> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let Self { simd, products, width, columns, finish, first, spare, row } = self;
        let (top, bottom) = row.split_at_mut(width * columns);
        let [mut top, mut bottom] = [top, bottom].map(|row| row.chunks_mut(OUTPUTS * columns));
        for tile in 0..width.div_ceil(OUTPUTS) {
            let values = &products.values[tile * products.tile..];
            let of = |product: usize| &values[product * products.product..][..columns];
            let from = square::<SIDE, _>((0..PRODUCTS).map(of));
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
