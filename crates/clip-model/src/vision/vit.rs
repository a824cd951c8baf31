use burn::module::{Module, Param};
use burn::nn::{Initializer, LayerNorm, LayerNormConfig};
use burn::tensor::{Device, Tensor};

use crate::{Activation, Transformer, TransformerConfig, VisionConfig};

/// The non-overlapping convolution that turns patches into tokens.
#[derive(Module, Debug)]
pub struct PatchEmbedding {
    /// `[width, 3, patch, patch]`, without a bias.
    pub weight: Param<Tensor<4>>,
}

impl PatchEmbedding {
    /// # Shapes
    ///
    /// - images: `[batch, 3, height, width]`
    /// - output: `[batch, patches, width]`, row by row
    fn forward(&self, images: Tensor<4>) -> Tensor<3> {
        let [batch, channels, height, width] = images.dims();
        let weight = self.weight.val();
        let [features, _, patch, _] = weight.dims();
        let (rows, columns) = (height / patch, width / patch);
        // Stride and kernel are equal, so the convolution is one matrix product over patches,
        // which every backend runs faster than its general convolution.
        let patches = images
            .reshape([batch, channels, rows, patch, columns, patch])
            .permute([0, 2, 4, 1, 3, 5])
            .reshape([batch, rows * columns, channels * patch * patch]);
        let weight = weight.reshape([features, channels * patch * patch]).transpose();
        patches.matmul(weight.unsqueeze())
    }
}

/// The Vision Transformer of the paper: class token, `ln_pre`, pre-norm blocks, `ln_post`.
///
/// Field names follow open_clip's state dict.
#[derive(Module, Debug)]
pub struct VisionTransformer {
    /// Turns patches into tokens.
    pub conv1: PatchEmbedding,
    /// The token whose output is the feature, `[width]`.
    pub class_embedding: Param<Tensor<1>>,
    /// `[1 + patches, width]`.
    pub positional_embedding: Param<Tensor<2>>,
    /// Normalises the tokens before the blocks.
    pub ln_pre: LayerNorm,
    /// The blocks.
    pub transformer: Transformer,
    /// Normalises the feature.
    pub ln_post: LayerNorm,
    /// Projects the feature, `[width, embed]`.
    pub proj: Param<Tensor<2>>,
}

impl VisionTransformer {
    pub(super) fn new(
        config: &VisionConfig,
        layers: usize,
        patch: usize,
        embed_dim: usize,
        activation: Activation,
        device: &Device,
    ) -> Self {
        let VisionConfig { image_size, width, mlp_ratio, .. } = *config;
        let patches = (image_size / patch).pow(2);
        let transformer = TransformerConfig {
            width,
            layers,
            heads: config.heads(),
            mlp_ratio,
            causal: false,
            activation,
        };
        Self {
            conv1: PatchEmbedding {
                weight: Initializer::Zeros.init([width, 3, patch, patch], device),
            },
            class_embedding: Initializer::Zeros.init([width], device),
            positional_embedding: Initializer::Zeros.init([1 + patches, width], device),
            ln_pre: LayerNormConfig::new(width).init(device),
            transformer: transformer.init(device),
            ln_post: LayerNormConfig::new(width).init(device),
            proj: Initializer::Zeros.init([width, embed_dim], device),
        }
    }

    /// Image features, not normalised.
    ///
    /// # Shapes
    ///
    /// - images: `[batch, 3, height, width]`
    /// - output: `[batch, embed]`
    pub fn forward(&self, images: Tensor<4>) -> Tensor<2> {
        let patches = self.conv1.forward(images);
        let [batch, _, width] = patches.dims();
        let class = self.class_embedding.val().reshape([1, 1, width]).expand([batch, 1, width]);
        let x = Tensor::cat(vec![class, patches], 1) + self.positional_embedding.val().unsqueeze();
        let x = self.transformer.forward(self.ln_pre.forward(x)); // [batch, 1 + patches, width]
        let feature: Tensor<2> = x.slice([0..batch, 0..1, 0..width]).squeeze_dim(1);
        self.ln_post.forward(feature).matmul(self.proj.val())
    }
}
