//! Convolutions of 3x3 by F(2x2, 3x3) of Lavin and Gray 2016, "Fast Algorithms for Convolutional
//! Neural Networks": 16 multiplications for four outputs, where windows take 36. Larger tiles would take
//! fewer, but their transforms multiply, and round more; these add and halve.

mod by_products;
mod by_rows;
mod tiles;
mod transform;
mod weight;

use std::array;

pub(super) use self::weight::TransformedWeight;
use super::super::finish::Finishing;
use super::pixels::Pixels;

/// Pixels of a window's side.
const WINDOW: usize = 3;
/// Of a tile's, and products of a tile.
const SIDE: usize = 4;
const PRODUCTS: usize = SIDE * SIDE;
/// Outputs of a tile's side.
const OUTPUTS: usize = 2;
/// Tiles that are too few for tasks of some: each would read the whole weight for its own.
const FEW: usize = 96;

/// A convolution of 3x3 with a stride of one and a border of one pixel.
pub(super) struct Winograd<'a, F> {
    pub x: &'a Pixels,
    pub weight: &'a TransformedWeight,
    pub finish: F,
}

impl<F: Finishing> Winograd<'_, F> {
    /// Writes `output`, `[batch, height, width, out]`, and finishes it.
    pub fn write(&self, output: &mut [f32]) {
        let [batch, height, width, _] = self.x.shape;
        let row = width * self.weight.columns;
        let images = output.chunks_exact_mut(height * row);
        let mut tile_rows: Vec<_> =
            images.flat_map(|image| image.chunks_mut(OUTPUTS * row)).collect();
        let [tiles_high, tiles_wide] = self.tiles();
        match batch * tiles_high * tiles_wide <= FEW {
            true => self.write_by_products(&mut tile_rows),
            false => self.write_by_rows(&mut tile_rows),
        }
    }

    /// Tiles of an image: from top to bottom, from left to right.
    fn tiles(&self) -> [usize; 2] {
        let [_, height, width, _] = self.x.shape;
        [height, width].map(|side| side.div_ceil(OUTPUTS))
    }
}

/// As many as a square holds, row by row.
#[inline(always)]
fn square<const N: usize, T: Default>(mut values: impl Iterator<Item = T>) -> [[T; N]; N] {
    array::from_fn(|_| array::from_fn(|_| values.next().unwrap_or_default()))
}
