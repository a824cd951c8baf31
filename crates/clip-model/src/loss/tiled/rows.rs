use std::ops::Range;

use burn::tensor::Tensor;

use super::FeatureGradients;
use super::blocks::{add_rows, blocks};

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
        let bias = logit_bias.map(Tensor::unsqueeze);
        Self { images, texts, start, scale: logit_scale.exp().unsqueeze(), bias, tile: tile.max(1) }
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

    /// The logits of a tile, `[rows, columns]`.
    pub(super) fn logits(&self, place: &Place) -> Tensor<2> {
        let images = self.images.clone().slice([place.rows.clone()]);
        let texts = self.texts.clone().slice([place.columns.clone()]);
        let logits = images.matmul(texts.transpose()) * self.scale.clone();
        match &self.bias {
            Some(bias) => logits + bias.clone(),
            None => logits,
        }
    }

    /// Loss and gradient from those of the tiles' logits.
    ///
    /// `tile` tells a tile's part of the loss, `[1]`, and the derivative at its logits, as if no
    /// logit were a pair's. What pairs add is `-pull` times their logits, and is added here.
    pub(super) fn gradients(
        &self,
        pull: f64,
        tile: impl Fn(Tensor<2>, &Place) -> (Tensor<1>, Tensor<2>),
    ) -> FeatureGradients {
        let mut sum = self.of_pairs(pull);
        for rows in self.row_blocks() {
            let images = self.images.clone().slice([rows.clone()]);
            let mut at_images: Option<Tensor<2>> = None;
            for columns in self.column_blocks() {
                let place = Place { rows: rows.clone(), columns: columns.clone() };
                let texts = self.texts.clone().slice([columns.clone()]);
                let logits = self.logits(&place);
                let (loss, gradient) = tile(logits.clone(), &place);
                sum.loss = sum.loss + loss;
                sum.logit_bias = sum.logit_bias + gradient.clone().sum();
                let unbiased = match &self.bias {
                    Some(bias) => logits - bias.clone(),
                    None => logits,
                };
                sum.logit_scale = sum.logit_scale + (gradient.clone() * unbiased).sum();
                let gradient = gradient * self.scale.clone();
                let part = gradient.clone().matmul(texts);
                at_images = Some(match at_images {
                    Some(so_far) => so_far + part,
                    None => part,
                });
                let part = gradient.transpose().matmul(images.clone());
                sum.text_features = add_rows(sum.text_features, columns, part);
            }
            if let Some(at_images) = at_images {
                sum.image_features = add_rows(sum.image_features, rows, at_images);
            }
        }
        sum
    }

    /// `-pull` times the sum of the pairs' logits, and its gradient.
    fn of_pairs(&self, pull: f64) -> FeatureGradients {
        let [rows, _] = self.images.dims();
        let device = self.images.device();
        let own = self.texts.clone().slice([self.own()]);
        let factor = self.scale.clone() * -pull;
        let mut logits = Tensor::zeros([1], &device);
        for range in self.row_blocks() {
            let images = self.images.clone().slice([range.clone()]);
            logits = logits + (images * own.clone().slice([range])).sum();
        }
        let logits = logits * factor.clone().reshape([1]);
        let bias = match &self.bias {
            Some(bias) => bias.clone().reshape([1]) * (-pull * rows as f64),
            None => Tensor::zeros([1], &device),
        };
        FeatureGradients {
            loss: logits.clone() + bias,
            image_features: own * factor.clone(),
            text_features: self.among_all(self.images.clone() * factor),
            logit_scale: logits,
            logit_bias: Tensor::full([1], -pull * rows as f64, &device),
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
