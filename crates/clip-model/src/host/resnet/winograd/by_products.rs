use pulp::Arch;
use rayon::prelude::*;

use super::super::super::finish::Finishing;
use super::super::super::packed::{Prepacked, Rows};
use super::super::super::tile::Left;
use super::super::super::zeros;
use super::tiles::{FinishTiles, Products, TransformTiles, stride};
use super::{PRODUCTS, Winograd};

impl<F: Finishing> Winograd<'_, F> {
    /// Each task takes a product, or some columns of one, of all tiles.
    pub(super) fn write_by_products(&self, tile_rows: &mut [&mut [f32]]) {
        let ([_, wide], columns) = (self.tiles(), self.weight.columns);
        let [.., channels] = self.x.shape;
        let tiles = tile_rows.len() * wide;
        let (arch, row) = (Arch::new(), stride(channels));
        let mut input = vec![0.0; tiles * row];
        input.par_chunks_exact_mut(row).enumerate().for_each(|(first, to)| {
            arch.dispatch(TransformTiles { convolution: self, first, to });
        });
        // `[16, tiles, out]`.
        let mut products = zeros(PRODUCTS * tiles * columns);
        let of_product = products.par_chunks_exact_mut(tiles * columns).enumerate();
        of_product.for_each(|(product, output)| {
            let x = Rows::Of(Left { values: &input[product * channels..], row, column: 1 });
            let weight = self.weight.product(product);
            Prepacked { x, weight, columns: 0..columns, finish: &() }.add_to(output);
        });
        let values = &products[..];
        let rows = tile_rows.par_iter_mut().enumerate();
        rows.for_each_init(Vec::new, |spare, (first, row)| {
            let values = &values[first * wide * columns..];
            let products = Products { values, tile: columns, product: tiles * columns };
            let rows = std::slice::from_mut(row);
            arch.dispatch(FinishTiles { convolution: self, products, first, spare, rows });
        });
    }
}
