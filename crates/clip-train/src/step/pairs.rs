use std::ops::Range;

use burn::tensor::{Device, Int, Tensor};

/// Images and texts of one batch on the training device.
#[derive(Clone, Debug)]
pub struct Pairs {
    /// `[batch, 3, height, width]`.
    pub images: Tensor<4>,
    /// `[batch, context]`.
    pub tokens: Tensor<2, Int>,
    /// What patch dropout draws from; the i-th image uses `seed + i`.
    pub seed: u64,
}

impl Pairs {
    /// Pairs in the batch.
    #[allow(clippy::len_without_is_empty, reason = "a batch is never empty")]
    pub fn len(&self) -> usize {
        self.tokens.dims()[0]
    }

    /// Some of the pairs; an image draws the same patches however the batch is cut.
    pub fn part(&self, range: Range<usize>) -> Self {
        Self {
            seed: self.seed.wrapping_add(range.start as u64),
            images: self.images.clone().slice([range.clone()]),
            tokens: self.tokens.clone().slice([range]),
        }
    }

    /// Consecutive parts of at most `size` pairs.
    pub(crate) fn chunks(&self, size: usize) -> impl Iterator<Item = Self> + '_ {
        let len = self.len();
        (0..len).step_by(size).map(move |start| self.part(start..(start + size).min(len)))
    }

    /// The same without autodiff.
    pub(crate) fn inner(&self) -> Self {
        let (images, tokens) = (self.images.clone().inner(), self.tokens.clone().inner());
        Self { images, tokens, ..*self }
    }

    pub(crate) fn to_device(&self, device: &Device) -> Self {
        let (images, tokens) = (self.images.clone(), self.tokens.clone());
        Self { images: images.to_device(device), tokens: tokens.to_device(device), ..*self }
    }
}
