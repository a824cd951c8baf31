use burn::module::{Module, Param};
use burn::nn::{Embedding, EmbeddingConfig, Initializer, LayerNorm, Linear, LinearConfig};
use burn::tensor::{Bool, Device, Int, Tensor};

use crate::norm::{layer_norm, normalized};
use crate::{Activation, TextConfig, TextPool, TextProjectionKind, Transformer, TransformerConfig};

/// The text tower: a transformer whose feature is read at one position, in CLIP the end of text.
///
/// Field names follow open_clip's state dict.
#[derive(Module, Debug)]
pub struct TextTransformer {
    /// `[vocabulary, width]`.
    pub token_embedding: Embedding,
    /// A learned token after the text, `[width]` (CoCa).
    pub cls_emb: Option<Param<Tensor<1>>>,
    /// `[positions, width]`.
    pub positional_embedding: Param<Tensor<2>>,
    /// The blocks.
    pub transformer: Transformer,
    /// Normalises the feature.
    pub ln_final: LayerNorm,
    /// Projects the feature to the shared space.
    pub text_projection: Option<TextProjection>,
    #[module(skip)]
    pool: TextPool,
    eos_id: i64,
    pad_id: i64,
}

/// How the text feature reaches the shared space.
#[derive(Module, Debug)]
pub enum TextProjection {
    /// By a matrix, `[width, embed]`.
    Matrix(Param<Tensor<2>>),
    /// By a linear layer with a bias (SigLIP).
    Linear(Linear),
}

impl TextProjection {
    fn new(config: &TextConfig, embed_dim: usize, device: &Device) -> Option<Self> {
        match (config.proj_type, config.proj_bias) {
            (TextProjectionKind::None, _) => None,
            (TextProjectionKind::Linear, false) => {
                Some(Self::Matrix(Initializer::Zeros.init([config.width, embed_dim], device)))
            }
            (TextProjectionKind::Linear, true) => {
                Some(Self::Linear(LinearConfig::new(config.width, embed_dim).init(device)))
            }
        }
    }

    fn forward(&self, x: Tensor<2>) -> Tensor<2> {
        match self {
            Self::Matrix(matrix) => x.matmul(matrix.val()),
            Self::Linear(linear) => linear.forward(x),
        }
    }
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
        let TextConfig { vocab_size, width, heads, layers, mlp_ratio, .. } = *config;
        let transformer = TransformerConfig {
            width,
            layers,
            heads,
            mlp_ratio,
            causal: !config.no_causal_mask,
            layer_scale: config.ls_init_value.is_some(),
            activation,
            norm: config.norm_kwargs,
        };
        let class = || Initializer::Zeros.init([width], device);
        Self {
            token_embedding: EmbeddingConfig::new(vocab_size, width).init(device),
            cls_emb: config.embed_cls.then(class),
            positional_embedding: Initializer::Zeros.init([config.positions(), width], device),
            transformer: transformer.init(device),
            ln_final: layer_norm(width, config.norm_kwargs, device),
            text_projection: TextProjection::new(config, embed_dim, device),
            pool: config.pool_type,
            eos_id: config.eos_id,
            pad_id: config.pad_id,
        }
    }

    /// Text features, not normalised.
    ///
    /// # Shapes
    ///
    /// - tokens: `[batch, context]`, at most the configured context
    /// - output: `[batch, embed]`
    pub fn forward(&self, tokens: Tensor<2, Int>) -> Tensor<2> {
        let x = self.encode(tokens.clone());
        self.head(x, tokens)
    }

    /// What comes after the blocks.
    ///
    /// # Shapes
    ///
    /// - input: `[batch, positions, width]`
    /// - tokens: `[batch, context]`
    /// - output: `[batch, embed]`
    pub fn head(&self, x: Tensor<3>, tokens: Tensor<2, Int>) -> Tensor<2> {
        // Normalising after the pooling gives the same numbers as before it, for less.
        self.project(normalized(&self.ln_final, self.pooled(x, tokens)))
    }

    /// The feature and the normalised tokens (open_clip's `output_tokens`).
    ///
    /// # Shapes
    ///
    /// - tokens: `[batch, context]`
    /// - output: `[batch, embed]` and `[batch, context, width]`
    pub fn forward_with_tokens(&self, tokens: Tensor<2, Int>) -> (Tensor<2>, Tensor<3>) {
        let x = self.encode(tokens.clone());
        let feature = normalized(&self.ln_final, self.pooled(x.clone(), tokens));
        let outputs = match self.cls_emb {
            // open_clip leaves these as they are.
            Some(_) => {
                let [batch, positions, width] = x.dims();
                x.slice([0..batch, 0..positions - 1, 0..width])
            }
            None => normalized(&self.ln_final, x),
        };
        (self.project(feature), outputs)
    }

    /// `[batch, context]` ids to `[batch, positions, width]`.
    fn encode(&self, tokens: Tensor<2, Int>) -> Tensor<3> {
        self.transformer.forward(self.embed(tokens.clone()), self.mask(tokens))
    }

    /// What comes before the blocks: `[batch, context]` ids to `[batch, positions, width]`.
    pub fn embed(&self, tokens: Tensor<2, Int>) -> Tensor<3> {
        let [batch, _] = tokens.dims();
        let mut x = self.token_embedding.forward(tokens);
        if let Some(class) = &self.cls_emb {
            let [_, _, width] = x.dims();
            let class = class.val().reshape([1, 1, width]).expand([batch, 1, width]);
            x = Tensor::cat(vec![x, class], 1);
        }
        let [_, positions, width] = x.dims();
        let embedding = self.positional_embedding.val().slice([0..positions, 0..width]);
        x + embedding.unsqueeze()
    }

    /// The mask of the blocks, `[batch, 1, positions, positions]`, where the text has a class token:
    /// no position may see padding, shifted by one to the right as in open_clip, whose released
    /// weights were trained so (its `correct_cls_mask` is off).
    pub fn mask(&self, tokens: Tensor<2, Int>) -> Option<Tensor<4, Bool>> {
        self.cls_emb.as_ref()?;
        let [batch, context] = tokens.dims();
        let first = Tensor::<2, Int>::zeros([batch, 1], &tokens.device()).not_equal_elem(0);
        let padding = tokens.equal_elem(self.pad_id);
        let keys = Tensor::cat(vec![first, padding], 1);
        let keys = keys.reshape([batch, 1, 1, context + 1]);
        Some(keys.expand([batch, 1, context + 1, context + 1]))
    }

    /// `[batch, positions, width]` to `[batch, width]`.
    fn pooled(&self, x: Tensor<3>, tokens: Tensor<2, Int>) -> Tensor<2> {
        let [batch, positions, width] = x.dims();
        let at = |position: usize| {
            x.clone().slice([0..batch, position..position + 1, 0..width]).squeeze_dim(1)
        };
        let index = match self.pool {
            _ if self.cls_emb.is_some() => return at(positions - 1),
            TextPool::First => return at(0),
            TextPool::Last => return at(positions - 1),
            // CLIP's end of text is the largest id, so its first position is the argmax.
            TextPool::Argmax => tokens.argmax(1),
            TextPool::Eos => tokens.equal_elem(self.eos_id).int().argmax(1),
        };
        x.gather(1, index.reshape([batch, 1, 1]).expand([batch, 1, width])).squeeze_dim(1)
    }

    fn project(&self, x: Tensor<2>) -> Tensor<2> {
        match &self.text_projection {
            Some(projection) => projection.forward(x),
            None => x,
        }
    }
}
