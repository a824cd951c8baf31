use burn::module::{Module, Param};
use burn::nn::{Initializer, Linear, LinearConfig};
use burn::tensor::activation::softmax;
use burn::tensor::module::attention;
use burn::tensor::{Device, Tensor};

use super::linear;
use crate::Mode;
use crate::transformer::{join_heads, split_heads};

/// The attention pooling at the end of a ModifiedResNet: the mean of the positions asks all of
/// them once (paper, section 2.4).
#[derive(Module, Debug)]
pub struct AttentionPool2d {
    /// `[1 + height * width, channels]`.
    pub positional_embedding: Param<Tensor<2>>,
    /// Query projection.
    pub q_proj: Linear,
    /// Key projection.
    pub k_proj: Linear,
    /// Value projection.
    pub v_proj: Linear,
    /// Output projection, `[channels, embed]`.
    pub c_proj: Linear,
    heads: usize,
}

impl AttentionPool2d {
    pub(super) fn new(
        side: usize,
        channels: usize,
        heads: usize,
        embed_dim: usize,
        device: &Device,
    ) -> Self {
        let square = || LinearConfig::new(channels, channels).init(device);
        Self {
            positional_embedding: Initializer::Zeros.init([1 + side * side, channels], device),
            q_proj: square(),
            k_proj: square(),
            v_proj: square(),
            c_proj: LinearConfig::new(channels, embed_dim).init(device),
            heads,
        }
    }

    /// # Shapes
    ///
    /// - input: `[batch, channels, height, width]`
    /// - output: `[batch, embed]`
    pub fn forward(&self, x: Tensor<4>, mode: Mode) -> Tensor<2> {
        let [batch, channels, height, width] = x.dims();
        let positions = x.reshape([batch, channels, height * width]).swap_dims(1, 2);
        self.forward_positions(positions, mode)
    }

    /// # Shapes
    ///
    /// - input: `[batch, height * width, channels]`
    /// - output: `[batch, embed]`
    pub(super) fn forward_positions(&self, positions: Tensor<3>, mode: Mode) -> Tensor<2> {
        let [_, _, channels] = positions.dims();
        let mean = positions.clone().mean_dim(1);
        let x = Tensor::cat(vec![mean.clone(), positions], 1);
        let embedding = self.positional_embedding.val();
        let query = mean + embedding.clone().slice([0..1, 0..channels]).unsqueeze();
        let query = project(&self.q_proj, query);
        let x = x + embedding.unsqueeze();
        let mixed = match mode {
            Mode::Evaluation => self.mixed_by_query(query, x),
            // Gradients through sums over all channels would be rounded more.
            Mode::Training { .. } => self.mixed(query, x),
        };
        project(&self.c_proj, mixed).squeeze_dim(1)
    }

    /// The values that a query finds.
    ///
    /// # Shapes
    ///
    /// - query and output: `[batch, 1, channels]`, projected
    /// - x: `[batch, 1 + height * width, channels]`
    fn mixed(&self, query: Tensor<3>, x: Tensor<3>) -> Tensor<3> {
        let [keys, values] = [&self.k_proj, &self.v_proj].map(|layer| project(layer, x.clone()));
        let [query, keys, values] = [query, keys, values].map(|x| split_heads(x, self.heads));
        join_heads(attention(query, keys, values, None, None, Default::default()))
    }

    /// The same, where what keys and values are projected from is projected in their place: with one
    /// query, a product with each weight for an image, not for each position.
    fn mixed_by_query(&self, query: Tensor<3>, x: Tensor<3>) -> Tensor<3> {
        let [batch, _, channels] = query.dims();
        let width = channels / self.heads;
        let query = query * (width as f64).sqrt().recip();
        let query = query.reshape([batch, self.heads, width]).swap_dims(0, 1);
        let asked = query.matmul(self.by_head(&self.k_proj)).swap_dims(0, 1);
        // The bias of keys adds the same to the scores of all positions, which changes nothing.
        let scores = asked.matmul(x.clone().swap_dims(1, 2)); // [batch, heads, positions]
        let found = softmax(scores, 2).matmul(x).swap_dims(0, 1); // [heads, batch, channels]
        let mixed = found.matmul(self.by_head(&self.v_proj).swap_dims(1, 2)).swap_dims(0, 1);
        let mixed = mixed.reshape([batch, 1, channels]);
        match &self.v_proj.bias {
            Some(bias) => mixed + bias.val().unsqueeze(),
            None => mixed,
        }
    }

    /// A projection's weight, `[heads, head_width, channels]`.
    fn by_head(&self, projection: &Linear) -> Tensor<3> {
        let weight = projection.weight.val().transpose();
        let [channels, input] = weight.dims();
        weight.reshape([self.heads, channels / self.heads, input])
    }
}

fn project(layer: &Linear, x: Tensor<3>) -> Tensor<3> {
    linear(x, layer.weight.val(), layer.bias.as_ref().map(Param::val))
}
