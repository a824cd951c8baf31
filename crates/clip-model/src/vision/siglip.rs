use burn::module::{Module, Param};
use burn::nn::{Initializer, LayerNorm, Linear, LinearConfig};
use burn::tensor::module::attention;
use burn::tensor::{Device, Tensor};

use super::PatchEmbedding;
use super::patches::drop_patches;
use super::vit::encoder;
use crate::norm::{layer_norm, normalized};
use crate::transformer::{join_heads, split_heads};
use crate::{Activation, Mlp, Mode, Transformer, VisionConfig};

/// SigLIP's image tower (Zhai et al. 2023): a ViT without a class token, whose feature one learned
/// query gathers from the tokens.
#[derive(Module, Debug)]
pub struct SiglipVisionTransformer {
    /// Turns patches into tokens.
    pub patch_embed: PatchEmbedding,
    /// `[patches, width]`.
    pub pos_embed: Param<Tensor<2>>,
    /// The blocks.
    pub blocks: Transformer,
    /// Normalises the tokens.
    pub norm: LayerNorm,
    /// Gathers the feature.
    pub attn_pool: AttentionPoolLatent,
    patch_dropout: f64,
}

/// Multi-head attention pooling: one learned query, then a residual perceptron.
#[derive(Module, Debug)]
pub struct AttentionPoolLatent {
    /// The query, `[1, width]`.
    pub latent: Param<Tensor<2>>,
    /// Query projection, `[width, width]`.
    pub q: Linear,
    /// Packed key and value projection, `[width, 2 * width]`.
    pub kv: Linear,
    /// Output projection, `[width, width]`.
    pub proj: Linear,
    /// Normalises the perceptron's input.
    pub norm: LayerNorm,
    /// The perceptron.
    pub mlp: Mlp,
    heads: usize,
}

impl SiglipVisionTransformer {
    pub(super) fn new(
        config: &VisionConfig,
        layers: usize,
        patch: usize,
        activation: Activation,
        device: &Device,
    ) -> Self {
        let VisionConfig { width, norm_kwargs, .. } = *config;
        let patches = (config.image_size / patch).pow(2);
        let square = || LinearConfig::new(width, width).init(device);
        Self {
            patch_embed: PatchEmbedding::new(width, patch, true, device),
            pos_embed: Initializer::Zeros.init([patches, width], device),
            blocks: encoder(config, layers, activation).init(device),
            norm: layer_norm(width, norm_kwargs, device),
            attn_pool: AttentionPoolLatent {
                latent: Initializer::Zeros.init([1, width], device),
                q: square(),
                kv: LinearConfig::new(width, 2 * width).init(device),
                proj: square(),
                norm: layer_norm(width, norm_kwargs, device),
                mlp: Mlp::new(width, config.mlp_ratio, activation, device),
                heads: config.heads(),
            },
            patch_dropout: config.patch_dropout,
        }
    }

    /// Image features, not normalised, and the normalised tokens.
    ///
    /// # Shapes
    ///
    /// - images: `[batch, 3, height, width]`
    /// - output: `[batch, width]` and `[batch, patches, width]`
    pub fn forward_with_tokens(&self, images: Tensor<4>, mode: Mode) -> (Tensor<2>, Tensor<3>) {
        let tokens = normalized(&self.norm, self.blocks.forward(self.embed(images, mode), None));
        (self.attn_pool.forward(tokens.clone()), tokens)
    }

    /// What comes before the blocks: `[batch, 3, height, width]` to `[batch, patches, width]`.
    pub fn embed(&self, images: Tensor<4>, mode: Mode) -> Tensor<3> {
        let x = self.patch_embed.forward(images) + self.pos_embed.val().unsqueeze();
        drop_patches(x, self.patch_dropout, mode)
    }

    /// What comes after the blocks: `[batch, patches, width]` to `[batch, width]`.
    pub fn head(&self, x: Tensor<3>) -> Tensor<2> {
        self.attn_pool.forward(normalized(&self.norm, x))
    }
}

impl AttentionPoolLatent {
    /// # Shapes
    ///
    /// - tokens: `[batch, sequence, width]`
    /// - output: `[batch, width]`
    pub fn forward(&self, tokens: Tensor<3>) -> Tensor<2> {
        let [batch, sequence, width] = tokens.dims();
        let query = self.q.forward(self.latent.val()).unsqueeze::<3>().expand([batch, 1, width]);
        let packed = self.kv.forward(tokens);
        let part = |index: usize| {
            let columns = index * width..(index + 1) * width;
            split_heads(packed.clone().slice([0..batch, 0..sequence, columns]), self.heads)
        };
        let query = split_heads(query, self.heads);
        let mixed = attention(query, part(0), part(1), None, None, Default::default());
        let x = self.proj.forward(join_heads(mixed)); // [batch, 1, width]
        let x = x.clone() + self.mlp.forward(normalized(&self.norm, x));
        x.squeeze_dim(1)
    }
}
