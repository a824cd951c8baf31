use burn::module::{Module, Param};
use burn::nn::{Initializer, Linear, LinearConfig};
use burn::tensor::module::attention;
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

        let mixed = attention(
            self.split(project(&self.q_proj, query)),
            self.split(project(&self.k_proj, x.clone())),
            self.split(project(&self.v_proj, x)),
            None,
            None,
            Default::default(),
        ); // [batch, heads, 1, head_width]
        project(&self.c_proj, mixed.reshape([batch, 1, channels])).squeeze_dim(1)
    }

    /// `[batch, sequence, channels]` to `[batch, heads, sequence, head_width]`.
    fn split(&self, x: Tensor<3>) -> Tensor<4> {
        let [batch, sequence, channels] = x.dims();
        x.reshape([batch, sequence, self.heads, channels / self.heads]).swap_dims(1, 2)
    }
}

fn project(layer: &Linear, x: Tensor<3>) -> Tensor<3> {
    linear(x, layer.weight.val(), layer.bias.as_ref().map(Param::val))
}
