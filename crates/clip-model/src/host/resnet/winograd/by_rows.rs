use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

use super::super::super::finish::Finishing;
use super::super::super::packed::{Left, Rows};
use super::super::super::tile;
use super::tiles::{FinishTiles, Products, TransformTiles, stride};
use super::{PRODUCTS, Winograd};

/// Tiles of a task, about: what is made of them is to stay in the second cache.
const TILES: usize = 48;
/// Tasks for each core, at least, if there are as many rows of tiles.
const TASKS: usize = 4;

impl<F: Finishing> Winograd<'_, F> {
    /// Each task takes some rows of tiles from pixels to pixels.
    pub(super) fn write_by_rows(&self, tile_rows: &mut [&mut [f32]]) {
        let [_, wide] = self.tiles();
        let most = tile_rows.len().div_ceil(TASKS * rayon::current_num_threads()).max(1);
        let share = (TILES / wide).clamp(1, most);
        let tasks = tile_rows.par_chunks_mut(share).enumerate();
        let arch = Arch::new();
        tasks.for_each_init(Buffers::default, |buffers, (index, rows)| {
            arch.dispatch(Task { convolution: self, first: index * share, buffers, rows });
        });
    }
}

/// What a core's tasks use one after the other.
#[derive(Default)]
struct Buffers {
    /// `[tiles, 16, in]`, transformed.
    input: Vec<f32>,
    /// `[tiles, 16, out]`.
    products: Vec<f32>,
    packed: Vec<f32>,
    spare: Vec<f32>,
}

/// Some rows of tiles.
struct Task<'a, 'b, F> {
    convolution: &'a Winograd<'a, F>,
    /// The first of them.
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
        let Buffers { input, products, packed, spare } = buffers;
        let ([_, wide], columns) = (convolution.tiles(), convolution.weight.columns);
        let [.., channels] = convolution.x.shape;
        let [of_input, of_products] = [channels, columns].map(stride);
        let tiles = rows.len() * wide;
        input.resize(tiles * of_input, 0.0);
        TransformTiles { convolution, first: first * wide, to: input }.with_simd(simd);
        products.clear();
        products.resize(tiles * of_products, 0.0);
        for product in 0..PRODUCTS {
            let values = &input[product * channels..];
            let x = Rows::Of(tile::Left { values, row: of_input, column: 1 });
            let of_tiles = products.chunks_exact_mut(of_products);
            let mut output: Vec<_> =
                of_tiles.map(|tile| &mut tile[product * columns..][..columns]).collect();
            let (weight, left) =
                (convolution.weight.product(product), Left { x, first: 0, tiles: None });
            weight.add_product(simd, left, 0..columns, packed, &mut output);
        }
        let products = Products { values: products, tile: of_products, product: columns };
        FinishTiles { convolution, products, first, spare, rows }.with_simd(simd);
    }
}
