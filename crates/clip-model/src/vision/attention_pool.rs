use burn::module::{Module, Param};
use burn::nn::{Initializer, Linear, LinearConfig};
use burn::tensor::module::attention;
use burn::tensor::{Device, Tensor};

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
        let positions = x.reshape([batch, channels, height * width]).swap_dims(1, 2);
        let mean = positions.clone().mean_dim(1);
        let x = Tensor::cat(vec![mean.clone(), positions], 1);
        let embedding = self.positional_embedding.val();
        let query = mean + embedding.clone().slice([0..1, 0..channels]).unsqueeze();
        let x = x + embedding.unsqueeze();

        let mixed = attention(
            self.split(self.q_proj.forward(query)),
            self.split(self.k_proj.forward(x.clone())),
            self.split(self.v_proj.forward(x)),
            None,
            None,
            Default::default(),
        ); // [batch, heads, 1, head_width]
        self.c_proj.forward(mixed.reshape([batch, channels]))
    }

    /// `[batch, sequence, channels]` to `[batch, heads, sequence, head_width]`.
    fn split(&self, x: Tensor<3>) -> Tensor<4> {
        let [batch, sequence, channels] = x.dims();
        x.reshape([batch, sequence, self.heads, channels / self.heads]).swap_dims(1, 2)
    }
}
