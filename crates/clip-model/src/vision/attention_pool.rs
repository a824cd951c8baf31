use burn::module::{Module, Param};
use burn::nn::{Initializer, Linear, LinearConfig};
use burn::tensor::activation::softmax;
use burn::tensor::{Device, Tensor};

use super::linear;

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
    pub fn forward(&self, x: Tensor<4>) -> Tensor<2> {
        let [batch, channels, height, width] = x.dims();
        self.forward_positions(x.reshape([batch, channels, height * width]).swap_dims(1, 2))
    }

    /// # Shapes
    ///
    /// - input: `[batch, height * width, channels]`
    /// - output: `[batch, embed]`
    pub(super) fn forward_positions(&self, positions: Tensor<3>) -> Tensor<2> {
        let [batch, _, channels] = positions.dims();
        let mean = positions.clone().mean_dim(1);
        let x = Tensor::cat(vec![mean.clone(), positions], 1);
        let embedding = self.positional_embedding.val();
        let query = mean + embedding.clone().slice([0..1, 0..channels]).unsqueeze();
        let x = x + embedding.unsqueeze();

        // With one query, what keys and values are projected from is projected in their place: a
        // product with each weight for an image, not for each position.
        let width = channels / self.heads;
        let query = project(&self.q_proj, query) * (width as f64).sqrt().recip();
        let query = query.reshape([batch, self.heads, width]).swap_dims(0, 1);
        let asked = query.clone().matmul(self.by_head(&self.k_proj)).swap_dims(0, 1);
        let scores = asked.matmul(x.clone().swap_dims(1, 2)); // [batch, heads, positions]
        let scores = match &self.k_proj.bias {
            // The same for all positions, so that its gradient is rounding alone, as the reference's.
            Some(bias) => {
                let bias = bias.val().reshape([self.heads, width, 1]);
                scores + query.matmul(bias).swap_dims(0, 1)
            }
            None => scores,
        };
        let found = softmax(scores, 2).matmul(x).swap_dims(0, 1); // [heads, batch, channels]
        let mixed = found.matmul(self.by_head(&self.v_proj).swap_dims(1, 2)).swap_dims(0, 1);
        let mixed = mixed.reshape([batch, 1, channels]);
        let mixed = match &self.v_proj.bias {
            Some(bias) => mixed + bias.val().unsqueeze(),
            None => mixed,
        };
        project(&self.c_proj, mixed).squeeze_dim(1)
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
