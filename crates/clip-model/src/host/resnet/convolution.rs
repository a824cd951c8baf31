use std::iter;
use std::sync::Arc;

use burn::backend::flex::FlexTensor;
use burn::nn::conv::Conv2d;
use burn::tensor::{DType, Tensor};

use super::super::finish::Finishing;
use super::super::kept::Kept;
use super::super::linear::{FEW_ROWS, add_product};
use super::super::packed::{Packed, PackedWeight, Rows, Windows};
use super::super::weight::Held;
use super::super::{held, takes, values, zeros};
use super::pixels::{Pixels, bordered};
use super::winograd::{TransformedWeight, Winograd};
use crate::vision::BatchNorm;

/// Pixels of a window's side that are not one.
const SIDE: usize = 3;

/// A convolution of 1x1, or of 3x3 with a border of one pixel, and its normalisation.
pub(super) struct Convolution {
    /// `[out, in, side, side]`.
    weight: Tensor<4>,
    stride: usize,
    /// What the normalisation multiplies with, `[out]`.
    scale: FlexTensor,
    /// What it then adds, `[out]`.
    bias: FlexTensor,
    /// The weight.
    packed: KeptFilter,
}

/// A weight packed once for all images, if it was.
pub(super) type KeptFilter = Option<Arc<Kept<Filter>>>;

/// A packed weight, by the side of its windows.
#[derive(Debug)]
pub(super) enum Filter {
    /// `[in, out]`.
    One(PackedWeight),
    /// `[out, in, 3, 3]`, transformed.
    Three(TransformedWeight),
}

/// Packs a convolution's weight, if it is in f32.
pub(super) fn kept_filter(convolution: &Conv2d) -> KeptFilter {
    let weight = convolution.weight.val();
    let [columns, channels, side, _] = weight.dims();
    let pack = |matrix: &Held| match side {
        1 => Filter::One(PackedWeight::new(matrix.ordered(), 0..channels, 0..columns)),
        _ => Filter::Three(TransformedWeight::new(values(&held(weight.clone())), columns)),
    };
    takes(&weight).then(|| Arc::new(Kept::new(Held::new(matrix(&weight)), pack)))
}

impl Convolution {
    pub fn new(convolution: &Conv2d, norm: &BatchNorm, packed: &KeptFilter) -> Self {
        let [stride, _] = convolution.stride;
        let [scale, bias] = norm.scale_and_bias().map(held);
        Self { weight: convolution.weight.val(), stride, scale, bias, packed: packed.clone() }
    }

    /// Of images, `[batch, 3, height, width]`, with a ReLU.
    pub fn of_images(&self, images: &[f32], shape: [usize; 4]) -> Pixels {
        let [batch, channels, height, width] = shape;
        let images = bordered(images, [batch * channels, height, width, 1]);
        let (row, pixel) = (width + 2, 1);
        let channel = (height + 2) * row;
        let size = [height, width].map(|size| (size - 1) / self.stride + 1);
        let window = offsets([channels, SIDE, SIDE], [channel, row, pixel]);
        let starts = offsets(
            [batch, size[0], size[1]],
            [channels * channel, row * self.stride, self.stride],
        );
        let windows = Windows { values: &images, starts: &starts, offsets: &window };
        let (weight, columns) = (Held::new(matrix(&self.weight)), 0..values(&self.scale).len());
        self.output([batch, size[0], size[1]], None, true, |values, finish| {
            let (x, weight) = (Rows::Windows(windows), weight.ordered());
            Packed { x, weight, columns, finish }.add_to(values);
        })
    }

    /// With a ReLU.
    pub fn activated(&self, x: &Pixels) -> Pixels {
        self.of(x, None, true)
    }

    /// With what is added before a ReLU.
    pub fn activated_with(&self, x: &Pixels, added: &Pixels) -> Pixels {
        self.of(x, Some(added), true)
    }

    /// Without more.
    pub fn linear(&self, x: &Pixels) -> Pixels {
        self.of(x, None, false)
    }

    fn of(&self, x: &Pixels, added: Option<&Pixels>, relu: bool) -> Pixels {
        let [.., side] = self.weight.dims();
        let [batch, height, width, _] = x.shape;
        let (pixels, size) = (batch * height * width, [batch, height, width]);
        let weight = Held::new(matrix(&self.weight));
        match self.packed.as_ref().and_then(|packed| packed.of(&weight)) {
            Some(Filter::One(packed)) => {
                self.of_rows(&x.values, size, &weight, Some(packed), added, relu)
            }
            Some(Filter::Three(transformed)) => self.of_tiles(x, transformed, added, relu),
            None if side == 1 => self.of_rows(&x.values, size, &weight, None, added, relu),
            // A copy of the windows costs less than one of the weight.
            None if pixels <= FEW_ROWS => {
                self.of_rows(&copied_windows(x), size, &weight, None, added, relu)
            }
            None => {
                let weight = held(self.weight.clone().cast(DType::F32));
                let columns = values(&self.scale).len();
                let transformed = TransformedWeight::new(values(&weight), columns);
                self.of_tiles(x, &transformed, added, relu)
            }
        }
    }

    /// Of rows, `[batch * height * width, in * side * side]`.
    fn of_rows(
        &self,
        x: &[f32],
        size: [usize; 3],
        weight: &Held,
        packed: Option<&PackedWeight>,
        added: Option<&Pixels>,
        relu: bool,
    ) -> Pixels {
        let columns = 0..values(&self.scale).len();
        self.output(size, added, relu, |output, finish| {
            add_product(x, weight, packed, columns, finish, output);
        })
    }

    fn of_tiles(
        &self,
        x: &Pixels,
        weight: &TransformedWeight,
        added: Option<&Pixels>,
        relu: bool,
    ) -> Pixels {
        let [batch, height, width, _] = x.shape;
        self.output([batch, height, width], added, relu, |output, finish| {
            Winograd { x, weight, finish }.write(output);
        })
    }

    /// What a product is added to and finished.
    fn output(
        &self,
        [batch, height, width]: [usize; 3],
        added: Option<&Pixels>,
        relu: bool,
        add: impl FnOnce(&mut [f32], Normalize<'_>),
    ) -> Pixels {
        let (scale, bias) = (values(&self.scale), values(&self.bias));
        let mut output = zeros(batch * height * width * scale.len());
        let added = added.map(|pixels| pixels.values.as_slice());
        add(&mut output, Normalize { scale, bias, added, relu });
        Pixels { values: output, shape: [batch, height, width, scale.len()] }
    }
}

/// `[out, in, side, side]` as `[in * side * side, out]`.
fn matrix(weight: &Tensor<4>) -> Tensor<2> {
    let [output, ..] = weight.dims();
    weight.clone().reshape([output as i32, -1]).transpose()
}

/// The windows of all pixels, `[batch * height * width, in * side * side]`.
fn copied_windows(x: &Pixels) -> Vec<f32> {
    let [batch, height, width, channels] = x.shape;
    let images = &bordered(&x.values, x.shape)[..];
    let row = (width + 2) * channels;
    let window = &offsets([channels, SIDE, SIDE], [1, row, channels])[..];
    let starts = offsets([batch, height, width], [(height + 2) * row, row, channels]);
    let of = |start: usize| window.iter().map(move |at| images[start + at]);
    starts.into_iter().flat_map(of).collect()
}

/// Where each of some values in a row lies, of three axes by the steps of each.
fn offsets(shape: [usize; 3], steps: [usize; 3]) -> Vec<usize> {
    let axis = |index: usize| (0..shape[index]).map(move |at| at * steps[index]);
    axis(0)
        .flat_map(|first| axis(1).map(move |second| first + second))
        .flat_map(|start| axis(2).map(move |third| start + third))
        .collect()
}

/// Normalises a product.
struct Normalize<'a> {
    /// `[columns]`.
    scale: &'a [f32],
    /// `[columns]`.
    bias: &'a [f32],
    /// `[rows, columns]`.
    added: Option<&'a [f32]>,
    relu: bool,
}

impl Finishing for Normalize<'_> {
    #[inline(always)]
    fn finish(&self, row: usize, column: usize, values: &mut [f32]) {
        // What is not a number stays so. In one pass, which writes every value: those that a ReLU
        // changes alone would be written under a mask, which some processors are slow at.
        let least = if self.relu { 0.0 } else { f32::NEG_INFINITY };
        let at_least = |value: f32| if value < least { least } else { value };
        let parameters = self.scale[column..].iter().zip(&self.bias[column..]);
        let values = iter::zip(values, parameters);
        match self.added {
            Some(added) => {
                let added = &added[row * self.scale.len() + column..];
                for ((value, (scale, bias)), added) in values.zip(added) {
                    *value = at_least(*value * scale + bias + added);
                }
            }
            None => {
                for (value, (scale, bias)) in values {
                    *value = at_least(*value * scale + bias);
                }
            }
        }
    }
}
