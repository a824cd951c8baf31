use burn::module::{Module, Param};
use burn::nn::{Embedding, EmbeddingConfig, Initializer, LayerNorm, Linear, LinearConfig};
use burn::tensor::{Bool, Device, Int, Tensor};

use crate::device::is_cpu;
use crate::norm::{layer_norm, normalized};
use crate::{
    Activation, Position, TextConfig, TextPool, TextProjectionKind, Transformer, TransformerConfig,
};

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
    causal: bool,
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
            causal: !config.no_causal_mask,
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
        let tokens = self.trimmed(tokens);
        let (x, position) = (self.embed(tokens.clone()), self.position(tokens.clone()));
        let x = match self.mask(tokens) {
            Some(mask) => position.of(self.transformer.forward(x, Some(mask))),
            None => self.transformer.forward_at(x, &position),
        };
        self.feature(x)
    }

    /// The texts without the positions after the last end of text: under the causal mask nothing
    /// before sees them, so the features are the same for less work. On the CPU alone, where reading
    /// the tokens makes nothing wait.
    ///
    /// # Shapes
    ///
    /// - tokens: `[batch, context]`
    /// - output: `[batch, positions]`
    pub fn trimmed(&self, tokens: Tensor<2, Int>) -> Tensor<2, Int> {
        let [batch, context] = tokens.dims();
        let pooled_at_end = matches!(self.pool, TextPool::Argmax | TextPool::Eos);
        if !self.causal || self.cls_emb.is_some() || !pooled_at_end || !is_cpu(&tokens.device()) {
            return tokens;
        }
        let ends = self.ends(tokens.clone()).into_data();
        let last = ends.iter::<i64>().max().unwrap_or(0) as usize;
        tokens.slice([0..batch, 0..(last + 1).min(context)])
    }

    /// What comes after the blocks.
    ///
    /// # Shapes
    ///
    /// - input: `[batch, positions, width]`
    /// - tokens: `[batch, context]`
    /// - output: `[batch, embed]`
    pub fn head(&self, x: Tensor<3>, tokens: Tensor<2, Int>) -> Tensor<2> {
        self.feature(self.position(tokens).of(x))
    }

    /// What is read at the pooled position, `[batch, 1, width]`, to `[batch, embed]`: normalised after
    /// the pooling, which gives the same numbers as before it, for less.
    fn feature(&self, x: Tensor<3>) -> Tensor<2> {
        self.project(normalized(&self.ln_final, x).squeeze_dim(1))
    }

    /// The feature and the normalised tokens (open_clip's `output_tokens`).
    ///
    /// # Shapes
    ///
    /// - tokens: `[batch, context]`
    /// - output: `[batch, embed]` and `[batch, context, width]`
    pub fn forward_with_tokens(&self, tokens: Tensor<2, Int>) -> (Tensor<2>, Tensor<3>) {
        let x = self.encode(tokens.clone());
        let feature = self.head(x.clone(), tokens);
        let outputs = match self.cls_emb {
            // open_clip leaves these as they are.
            Some(_) => {
                let [batch, positions, width] = x.dims();
                x.slice([0..batch, 0..positions - 1, 0..width])
            }
            None => normalized(&self.ln_final, x),
        };
        (feature, outputs)
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

    /// Where the feature is read.
    fn position(&self, tokens: Tensor<2, Int>) -> Position {
        match self.pool {
            _ if self.cls_emb.is_some() => Position::Last,
            TextPool::First => Position::First,
            TextPool::Last => Position::Last,
            TextPool::Argmax | TextPool::Eos => Position::At(self.ends(tokens)),
        }
    }

    /// Where each text ends, `[batch, 1]`.
    fn ends(&self, tokens: Tensor<2, Int>) -> Tensor<2, Int> {
        match self.pool {
            TextPool::Eos => tokens.equal_elem(self.eos_id).int().argmax(1),
            // CLIP's end of text is the largest id, so its first position is the argmax.
            _ => tokens.argmax(1),
        }
    }

    fn project(&self, x: Tensor<2>) -> Tensor<2> {
        match &self.text_projection {
            Some(projection) => projection.forward(x),
            None => x,
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::ClipConfig;

    use super::*;

    const MODEL: &str = r#"{
        "embed_dim": 16,
        "vision_cfg": {"image_size": 32, "layers": 1, "width": 16, "head_width": 16, "patch_size": 16},
        "text_cfg": {"context_length": 12, "vocab_size": 99, "width": 32, "heads": 2, "layers": 2}
    }"#;

    #[test]
    fn what_stands_after_the_ends_changes_nothing() {
        let device = Device::flex();
        let config: ClipConfig = serde_json::from_str(MODEL).unwrap();
        let text = config.init(&device, 3).unwrap().text;
        let ids = [[97, 4, 98, 0, 0, 0, 0, 0, 0, 0, 0, 0], [97, 4, 5, 6, 7, 98, 0, 0, 0, 0, 0, 0]];
        let tokens = Tensor::<2, Int>::from_data(ids, &device);
        assert_eq!(text.trimmed(tokens.clone()).dims(), [2, 6]);
        let whole = text.head(text.encode(tokens.clone()), tokens.clone());
        let trimmed = text.forward(tokens);
        let tolerance = burn::tensor::Tolerance::<f32>::relative(1e-5).set_absolute(1e-6);
        trimmed.into_data().assert_approx_eq(&whole.into_data(), tolerance);
    }
}
