use burn::module::{Module, Param};
use burn::nn::{Embedding, EmbeddingConfig, Initializer, LayerNorm, LayerNormConfig};
use burn::tensor::{Device, Int, Tensor};

use crate::{Activation, TextConfig, Transformer, TransformerConfig};

/// The text tower: a causal transformer whose feature is read at the end-of-text token.
///
/// Field names follow open_clip's state dict.
#[derive(Module, Debug)]
pub struct TextTransformer {
    /// `[vocabulary, width]`.
    pub token_embedding: Embedding,
    /// `[context, width]`.
    pub positional_embedding: Param<Tensor<2>>,
    /// The blocks.
    pub transformer: Transformer,
    /// Normalises the feature.
    pub ln_final: LayerNorm,
    /// Projects the feature, `[width, embed]`.
    pub text_projection: Param<Tensor<2>>,
}

impl TextTransformer {
    /// Builds the tower, with weights that [`ClipConfig::init`](crate::ClipConfig::init) or a
    /// checkpoint then fills.
    pub fn new(
        config: &TextConfig,
        embed_dim: usize,
        activation: Activation,
        device: &Device,
    ) -> Self {
        let TextConfig { context_length, vocab_size, width, heads, layers, mlp_ratio } = *config;
        let transformer =
            TransformerConfig { width, layers, heads, mlp_ratio, causal: true, activation };
        Self {
            token_embedding: EmbeddingConfig::new(vocab_size, width).init(device),
            positional_embedding: Initializer::Zeros.init([context_length, width], device),
            transformer: transformer.init(device),
            ln_final: LayerNormConfig::new(width).init(device),
            text_projection: Initializer::Zeros.init([width, embed_dim], device),
        }
    }

    /// Text features, not normalised.
    ///
    /// # Shapes
    ///
    /// - tokens: `[batch, context]`, at most the configured context
    /// - output: `[batch, embed]`
    pub fn forward(&self, tokens: Tensor<2, Int>) -> Tensor<2> {
        let [batch, context] = tokens.dims();
        let x = self.token_embedding.forward(tokens.clone()); // [batch, context, width]
        let [_, _, width] = x.dims();
        let positions = self.positional_embedding.val().slice([0..context, 0..width]);
        let x = self.transformer.forward(x + positions.unsqueeze());

        // End of text is the largest id, so its first position is the argmax.
        let end = tokens.argmax(1).reshape([batch, 1, 1]).expand([batch, 1, width]);
        let pooled: Tensor<2> = x.gather(1, end).squeeze_dim(1); // [batch, width]
        // Normalising after the pooling gives the same numbers as before it, for less.
        self.ln_final.forward(pooled).matmul(self.text_projection.val())
    }
}
