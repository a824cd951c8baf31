use std::ops::Range;

use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

use super::super::super::packed::PackedWeight;
use super::super::super::weight::{Ordered, Weight};
use super::transform::{OfWeight, transform};
use super::{PRODUCTS, SIDE, WINDOW, square};

/// A weight, transformed and packed for any number of images.
#[derive(Debug)]
pub(in super::super) struct TransformedWeight {
    by_product: Vec<PackedWeight>,
    pub(super) columns: usize,
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

    /// Of the 16 products one: `[in, out]`.
    pub(super) fn product(&self, index: usize) -> &PackedWeight {
        &self.by_product[index]
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
