use burn::module::{Module, Param};
use burn::nn::{Initializer, LayerNorm};
use burn::tensor::{Device, Tensor};

use super::patches::drop_patches;
use super::{AttentionalPooler, PatchEmbedding};
use crate::norm::{layer_norm, normalized};
use crate::{
    Activation, AttentionalPool, Mode, Position, PositionEmbedding, Transformer, TransformerConfig,
    VisionConfig, VisionPool,
};

/// The Vision Transformer of the paper: class token, `ln_pre`, pre-norm blocks, `ln_post`; with
/// open_clip's options.
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
    pub ln_pre: Option<LayerNorm>,
    /// The blocks.
    pub transformer: Transformer,
    /// Learned queries that pool the tokens.
    pub attn_pool: Option<AttentionalPooler>,
    /// One more query, whose output is the feature.
    pub attn_pool_contrastive: Option<AttentionalPooler>,
    /// Normalises the feature.
    pub ln_post: LayerNorm,
    /// Projects the feature, `[pooled, embed]`.
    pub proj: Param<Tensor<2>>,
    #[module(skip)]
    pooling: Pooling,
    patch_dropout: f64,
}

/// How tokens become the feature.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Pooling {
    attentional: AttentionalPool,
    kind: VisionPool,
    norm_after: bool,
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
        let VisionConfig { width, norm_kwargs, attentional_pool, .. } = *config;
        let patches = (config.image_size / patch).pow(2);
        let pooler = |there: bool, width: usize, queries: usize| {
            let heads = config.attn_pooler_heads;
            let pooler = || AttentionalPooler::new([embed_dim, width], heads, queries, device);
            there.then(pooler)
        };
        let pooled = attentional_pool != AttentionalPool::Off;
        let contrastive =
            matches!(attentional_pool, AttentionalPool::Parallel | AttentionalPool::Cascade);
        // open_clip normalises the tokens before a pair of poolers, with the width after them.
        let pool_width = if pooled { embed_dim } else { width };
        let positions: Param<Tensor<2>> = Initializer::Zeros.init([1 + patches, width], device);
        Self {
            conv1: PatchEmbedding::new(width, patch, false, device),
            class_embedding: Initializer::Zeros.init([width], device),
            positional_embedding: match config.pos_embed_type {
                PositionEmbedding::Learnable => positions,
                PositionEmbedding::SinCos2d => positions.set_require_grad(false),
            },
            ln_pre: (!config.no_ln_pre).then(|| layer_norm(width, norm_kwargs, device)),
            transformer: encoder(config, layers, activation).init(device),
            attn_pool: pooler(pooled, width, config.attn_pooler_queries),
            attn_pool_contrastive: pooler(contrastive, width, 1),
            ln_post: layer_norm(pool_width, norm_kwargs, device),
            proj: Initializer::Zeros.init([pool_width, embed_dim], device),
            pooling: Pooling {
                attentional: attentional_pool,
                kind: config.pool_type,
                norm_after: config.final_ln_after_pool,
            },
            patch_dropout: config.patch_dropout,
        }
    }

    /// Image features, not normalised.
    ///
    /// # Shapes
    ///
    /// - images: `[batch, 3, height, width]`
    /// - output: `[batch, embed]`
    pub fn forward(&self, images: Tensor<4>, mode: Mode) -> Tensor<2> {
        self.forward_unprojected(images, mode).matmul(self.proj.val())
    }

    /// Image features, not normalised, and the tokens beside them (open_clip's `output_tokens`).
    ///
    /// # Shapes
    ///
    /// - images: `[batch, 3, height, width]`
    /// - output: `[batch, embed]` and `[batch, tokens, width]`, or `[batch, queries, embed]` after
    ///   an attentional pooling
    pub fn forward_with_tokens(&self, images: Tensor<4>, mode: Mode) -> (Tensor<2>, Tensor<3>) {
        let x = self.transformer.forward(self.embed(images, mode), None);
        let (feature, tokens) = self.pool(x);
        (feature.matmul(self.proj.val()), tokens)
    }

    /// Image features before the projection, `[batch, width]`: the paper's linear probes are fitted
    /// to these (appendix A.3).
    pub fn forward_unprojected(&self, images: Tensor<4>, mode: Mode) -> Tensor<2> {
        let x = self.embed(images, mode);
        let pooled = self.attn_pool.is_some() || self.pooling.kind == VisionPool::Avg;
        match pooled {
            true => self.pool(self.transformer.forward(x, None)).0,
            false => {
                let x = self.transformer.forward_at(x, &Position::First);
                normalized(&self.ln_post, x).squeeze_dim(1)
            }
        }
    }

    /// What comes after the blocks: `[batch, 1 + patches, width]` to `[batch, embed]`.
    pub fn head(&self, x: Tensor<3>) -> Tensor<2> {
        self.pool(x).0.matmul(self.proj.val())
    }

    /// What comes before the blocks: `[batch, 3, height, width]` to `[batch, 1 + patches, width]`.
    pub fn embed(&self, images: Tensor<4>, mode: Mode) -> Tensor<3> {
        let patches = self.conv1.forward(images);
        let [batch, count, width] = patches.dims();
        let positions = self.positional_embedding.val();
        let first = positions.clone().slice([0..1, 0..width]).unsqueeze();
        let rest = positions.slice([1..1 + count, 0..width]).unsqueeze();
        let class = self.class_embedding.val().reshape([1, 1, width]) + first;
        let patches = drop_patches(patches + rest, self.patch_dropout, mode);
        let x = Tensor::cat(vec![class.expand([batch, 1, width]), patches], 1);
        match &self.ln_pre {
            Some(norm) => normalized(norm, x),
            None => x,
        }
    }

    /// The feature before its projection, and the tokens.
    fn pool(&self, x: Tensor<3>) -> (Tensor<2>, Tensor<3>) {
        let norm = |x| normalized(&self.ln_post, x);
        match (&self.attn_pool, &self.attn_pool_contrastive) {
            (Some(pool), Some(contrastive)) => {
                let x = norm(x);
                let tokens = pool.forward(x.clone());
                let cascade = self.pooling.attentional == AttentionalPool::Cascade;
                let source = if cascade { tokens.clone() } else { x };
                (contrastive.forward(source).squeeze_dim(1), tokens)
            }
            (Some(pool), None) => self.reduce(norm(pool.forward(x))),
            _ if self.pooling.norm_after => {
                let (feature, tokens) = self.reduce(x);
                (normalized(&self.ln_post, feature), tokens)
            }
            _ => self.reduce(norm(x)),
        }
    }

    /// The class token or the mean of the others, and the others.
    fn reduce(&self, x: Tensor<3>) -> (Tensor<2>, Tensor<3>) {
        let [batch, positions, width] = x.dims();
        let tokens = x.clone().slice([0..batch, 1..positions, 0..width]);
        let feature = match self.pooling.kind {
            VisionPool::Avg => tokens.clone().mean_dim(1),
            _ => x.slice([0..batch, 0..1, 0..width]),
        };
        (feature.squeeze_dim(1), tokens)
    }
}

/// The blocks that a ViT's configuration describes.
pub(super) fn encoder(
    config: &VisionConfig,
    layers: usize,
    activation: Activation,
) -> TransformerConfig {
    TransformerConfig {
        width: config.width,
        layers,
        heads: config.heads(),
        mlp_ratio: config.mlp_ratio,
        causal: false,
        layer_scale: config.ls_init_value.is_some(),
        activation,
        norm: config.norm_kwargs,
    }
}
