use std::ops::Range;

use burn::tensor::Tensor;

use super::FeatureGradients;
use super::blocks::{add_rows, blocks, product};

/// Some rows of a batch's matrix of logits, which exists one tile at a time.
///
/// One process has all rows. Where several share a batch, each has the rows of its own images,
/// against the texts of all.
#[derive(Clone, Debug)]
pub struct LogitRows {
    images: Tensor<2>,
    texts: Tensor<2>,
    start: usize,
    scale: Tensor<2>,
    bias: Option<Tensor<2>>,
    tile: usize,
}

/// The place of a tile in the matrix.
#[derive(Clone, Debug)]
pub(super) struct Place {
    /// Rows, counted from the first of these rows.
    pub rows: Range<usize>,
    /// Columns.
    pub columns: Range<usize>,
}

impl LogitRows {
    /// The rows of `images`, whose own texts are those from `start` on.
    ///
    /// # Shapes
    ///
    /// - images: `[rows, embed]`, normalised, f32, without autodiff
    /// - texts: `[batch, embed]`, likewise
    /// - logit_scale: `[1]`, the natural logarithm of the factor
    /// - logit_bias: `[1]`
    pub fn new(
        images: Tensor<2>,
        texts: Tensor<2>,
        start: usize,
        logit_scale: Tensor<1>,
        logit_bias: Option<Tensor<1>>,
        tile: usize,
    ) -> Self {
        let scale = logit_scale.exp().unsqueeze();
        let bias = logit_bias.map(Tensor::unsqueeze);
        Self { images, texts, start, scale, bias, tile: tile.max(1) }
    }

    /// All rows of a batch.
    pub fn all(
        images: Tensor<2>,
        texts: Tensor<2>,
        logit_scale: Tensor<1>,
        logit_bias: Option<Tensor<1>>,
        tile: usize,
    ) -> Self {
        Self::new(images, texts, 0, logit_scale, logit_bias, tile)
    }

    /// The columns of these rows' own texts.
    pub(super) fn own(&self) -> Range<usize> {
        self.start..self.start + self.images.dims()[0]
    }

    /// Pairs of the whole batch.
    pub(super) fn batch(&self) -> usize {
        self.texts.dims()[0]
    }

    pub(super) fn row_blocks(&self) -> impl Iterator<Item = Range<usize>> + use<> {
        blocks(self.images.dims()[0], self.tile)
    }

    pub(super) fn column_blocks(&self) -> impl Iterator<Item = Range<usize>> + use<> {
        blocks(self.batch(), self.tile)
    }

    /// Some rows' images times the scale, `[rows, embed]`.
    pub(super) fn scaled(&self, rows: Range<usize>) -> Tensor<2> {
        self.images.clone().slice([rows]) * self.scale.clone()
    }

    /// The logits of images that are [`scaled`](Self::scaled) and some columns, `[rows, columns]`.
    pub(super) fn logits(&self, images: Tensor<2>, columns: Range<usize>) -> Tensor<2> {
        let texts = self.texts.clone().slice([columns]);
        let logits = product(images, texts.transpose());
        match &self.bias {
            Some(bias) => logits + bias.clone(),
            None => logits,
        }
    }

    /// Loss and gradient from those of the tiles' logits.
    ///
    /// `tile` tells a tile's part of the loss, `[1]`, if there is any, and the derivative at its
    /// logits, as if no logit were a pair's. What pairs add is `-pull` times their logits, and is
    /// added here.
    pub(super) fn gradients(
        &self,
        pull: f64,
        tile: impl Fn(Tensor<2>, &Place) -> (Option<Tensor<1>>, Tensor<2>),
    ) -> FeatureGradients {
        let mut sum = self.start_of_sum(pull);
        for rows in self.row_blocks() {
            let images = self.scaled(rows.clone());
            let own = self.start + rows.start..self.start + rows.end;
            let mut at_scaled = self.texts.clone().slice([own]) * -pull;
            sum.loss = sum.loss + (images.clone() * at_scaled.clone()).sum();
            for columns in self.column_blocks() {
                let logits = self.logits(images.clone(), columns.clone());
                let place = Place { rows: rows.clone(), columns: columns.clone() };
                let (loss, gradient) = tile(logits, &place);
                if let Some(loss) = loss {
                    sum.loss = sum.loss + loss;
                }
                if self.bias.is_some() {
                    sum.logit_bias = sum.logit_bias + gradient.clone().sum();
                }
                let texts = self.texts.clone().slice([columns.clone()]);
                at_scaled = at_scaled + product(gradient.clone(), texts);
                let part = product(gradient.transpose(), images.clone());
                sum.text_features = add_rows(sum.text_features, columns, part);
            }
            // Without its bias a logit is linear in the scaled image.
            sum.logit_scale = sum.logit_scale + (images * at_scaled.clone()).sum();
            let at_images = at_scaled * self.scale.clone();
            sum.image_features = sum.image_features.slice_assign([rows], at_images);
        }
        sum
    }

    /// What the pairs add to the derivatives at texts and bias, and what the bias adds to their loss.
    fn start_of_sum(&self, pull: f64) -> FeatureGradients {
        let device = self.images.device();
        let pulls = -pull * self.images.dims()[0] as f64;
        let none = Tensor::zeros([1], &device);
        let (loss, logit_bias) = match &self.bias {
            Some(bias) => (bias.clone().reshape([1]) * pulls, Tensor::full([1], pulls, &device)),
            None => (none.clone(), none.clone()),
        };
        FeatureGradients {
            loss,
            image_features: Tensor::zeros(self.images.dims(), &device),
            text_features: self.among_all(self.images.clone() * (self.scale.clone() * -pull)),
            logit_scale: none,
            logit_bias,
        }
    }

    /// Values of these rows' own texts, with zeros for all others.
    fn among_all(&self, values: Tensor<2>) -> Tensor<2> {
        let ([batch, embed], own) = (self.texts.dims(), self.own());
        if own == (0..batch) {
            return values;
        }
        let zeros = Tensor::zeros([batch, embed], &self.texts.device());
        zeros.slice_assign([own], values)
    }
}
