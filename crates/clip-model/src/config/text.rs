use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::vision::{default_mlp_ratio, is_default_mlp_ratio};
use super::{
    ActivationOptions, MOST_LAYERS, MOST_POSITIONS, NormOptions, require, require_hidden,
    require_most, require_options, require_sizes,
};
use crate::ConfigError;

/// Size of CLIP's whole vocabulary: 256 bytes, the same 256 at the end of a word, 48,894 merges,
/// start and end of text.
pub const VOCAB_SIZE: usize = 49_408;

/// The text tower, a transformer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TextConfig {
    /// Number of tokens of a text, start and end included. Default: 77.
    #[serde(default = "default_context_length")]
    pub context_length: usize,
    /// Number of token ids: 49408 for CLIP's whole vocabulary, less for its first merges alone
    /// (see `Tokenizer`). Default: 49408.
    #[serde(default = "default_vocab_size")]
    pub vocab_size: usize,
    /// The Hugging Face tokenizer that the model was trained with. Default: CLIP's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hf_tokenizer_name: Option<String>,
    /// How texts are cleaned before that tokenizer (`clean`, `strip_sep_token`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tokenizer_kwargs: Option<Map<String, Value>>,
    /// Width of the transformer. Default: 512.
    #[serde(default = "default_width")]
    pub width: usize,
    /// Number of attention heads. Default: 8.
    #[serde(default = "default_heads")]
    pub heads: usize,
    /// Number of blocks. Default: 12.
    #[serde(default = "default_layers")]
    pub layers: usize,
    /// Width of the hidden layer over the width. Default: 4.
    #[serde(default = "default_mlp_ratio", skip_serializing_if = "is_default_mlp_ratio")]
    pub mlp_ratio: f64,
    /// Initial gain of each block's branches (layer scale). Default: branches have no gain.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ls_init_value: Option<f64>,
    /// Whether a learned token follows the text and is its feature (CoCa). Default: false.
    #[serde(default, skip_serializing_if = "super::is_false")]
    pub embed_cls: bool,
    /// Id of padding, which the learned token of `embed_cls` does not see. Default: 0.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub pad_id: i64,
    /// Id of the end of text, where `pool_type` looks for it. Default: 2.
    #[serde(default = "default_eos_id", skip_serializing_if = "is_default_eos_id")]
    pub eos_id: i64,
    /// Whether a position sees those after it too. Default: false.
    #[serde(default, skip_serializing_if = "super::is_false")]
    pub no_causal_mask: bool,
    /// open_clip reads this key and does nothing with it; neither do we. Default: false.
    #[serde(default, skip_serializing_if = "super::is_false")]
    pub final_ln_after_pool: bool,
    /// Which position is the feature. Default: the largest id.
    #[serde(default, skip_serializing_if = "TextPool::is_argmax")]
    pub pool_type: TextPool,
    /// Whether the projection has a bias. Default: false.
    #[serde(default, skip_serializing_if = "super::is_false")]
    pub proj_bias: bool,
    /// How the feature is projected. Default: linearly.
    #[serde(default, skip_serializing_if = "TextProjectionKind::is_linear")]
    pub proj_type: TextProjectionKind,
    /// Whether open_clip's tower returns its tokens too. Here
    /// [`forward_with_tokens`](crate::TextTransformer::forward_with_tokens) always does, so this
    /// changes nothing. Default: false.
    #[serde(default, skip_serializing_if = "super::is_false")]
    pub output_tokens: bool,
    /// Options of the GELU.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub act_kwargs: Option<ActivationOptions>,
    /// Options of layer normalisation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub norm_kwargs: Option<NormOptions>,
}

/// Where the text tower's feature comes from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TextPool {
    /// The first position of the largest id: CLIP's end of text.
    #[default]
    Argmax,
    /// The first position of `eos_id`.
    Eos,
    /// The first position.
    First,
    /// The last position (SigLIP).
    Last,
}

impl TextPool {
    fn is_argmax(&self) -> bool {
        *self == Self::Argmax
    }
}

/// Whether the text feature is projected.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TextProjectionKind {
    /// By a matrix.
    #[default]
    Linear,
    /// Not at all.
    None,
}

impl TextProjectionKind {
    fn is_linear(&self) -> bool {
        *self == Self::Linear
    }
}

fn default_context_length() -> usize {
    77
}

fn default_vocab_size() -> usize {
    VOCAB_SIZE
}

fn default_width() -> usize {
    512
}

fn default_heads() -> usize {
    8
}

fn default_layers() -> usize {
    12
}

fn default_eos_id() -> i64 {
    2
}

fn is_default_eos_id(value: &i64) -> bool {
    *value == default_eos_id()
}

fn is_zero(value: &i64) -> bool {
    *value == 0
}

impl TextConfig {
    /// Whether the ids are those of CLIP's own tokenizer, or of its first merges.
    pub fn has_clip_tokenizer(&self) -> bool {
        /// Ids of bytes, of bytes at the end of a word, and of start and end.
        const WITHOUT_MERGES: usize = 514;
        let sizes = WITHOUT_MERGES..=VOCAB_SIZE;
        let plain = self.tokenizer_kwargs.as_ref().is_none_or(Map::is_empty);
        self.hf_tokenizer_name.is_none() && plain && sizes.contains(&self.vocab_size)
    }

    /// Number of positions: the context, and the learned token's where there is one.
    pub fn positions(&self) -> usize {
        self.context_length + usize::from(self.embed_cls)
    }

    pub(super) fn validate(&self, embed_dim: usize) -> Result<(), ConfigError> {
        let Self { context_length, vocab_size, width, heads, layers, .. } = *self;
        require_sizes("text_cfg", &[("width", width), ("heads", heads), ("layers", layers)])?;
        require_sizes("text_cfg", &[("context_length", context_length)])?;
        require_most("text_cfg", "context_length", context_length, MOST_POSITIONS)?;
        require_most("text_cfg", "layers", layers, MOST_LAYERS)?;
        require_hidden("text_cfg", width, self.mlp_ratio)?;
        require_options("text_cfg", self.ls_init_value, self.norm_kwargs)?;
        require(width.is_multiple_of(heads), || {
            format!("text_cfg: width {width} is no multiple of heads {heads}")
        })?;
        require(context_length >= 3, || {
            format!(
                "text_cfg: context_length {context_length} leaves no room for a token between start and end"
            )
        })?;
        require((3..=1 << 24).contains(&vocab_size), || {
            format!("text_cfg: vocab_size {vocab_size} isn't in 3..=16777216")
        })?;
        let projected = self.proj_type == TextProjectionKind::Linear;
        require(projected || width == embed_dim, || {
            format!("text_cfg: without a projection, width {width} must be embed_dim {embed_dim}")
        })
    }
}
