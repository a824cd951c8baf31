use serde::{Deserialize, Serialize};

use super::{
    ActivationOptions, MOST_LAYERS, MOST_PIXELS, MOST_POSITIONS, NormOptions, require,
    require_hidden, require_most, require_options, require_sizes,
};
use crate::ConfigError;

/// The image tower: a ViT when `layers` is a number, a ModifiedResNet when it lists four stages.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VisionConfig {
    /// Side of the square input, in pixels. Default: 224.
    #[serde(default = "default_image_size")]
    pub image_size: usize,
    /// Number of transformer blocks, or blocks of each of the four stages. Default: 12.
    #[serde(default)]
    pub layers: VisionLayers,
    /// Width of the transformer, or of the ResNet's stem. Default: 768.
    #[serde(default = "default_width")]
    pub width: usize,
    /// Width of one attention head. Default: 64.
    #[serde(default = "default_head_width")]
    pub head_width: usize,
    /// Width of the transformer's hidden layer over its width. Default: 4.
    #[serde(default = "default_mlp_ratio", skip_serializing_if = "is_default_mlp_ratio")]
    pub mlp_ratio: f64,
    /// Side of a patch in pixels; a ViT needs it, a ResNet has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub patch_size: Option<usize>,
    /// Initial gain of each block's branches (layer scale). Default: branches have no gain.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ls_init_value: Option<f64>,
    /// Share of the patches that training drops (FLIP); evaluation sees them all. Default: 0.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub patch_dropout: f64,
    /// Whether learned queries pool the tokens (CoCa). Default: no.
    #[serde(default, skip_serializing_if = "AttentionalPool::is_off")]
    pub attentional_pool: AttentionalPool,
    /// Number of queries of the attentional pooling. Default: 256.
    #[serde(default = "default_queries", skip_serializing_if = "is_default_queries")]
    pub attn_pooler_queries: usize,
    /// Number of heads of the attentional pooling. Default: 8.
    #[serde(default = "default_pooler_heads", skip_serializing_if = "is_default_pooler_heads")]
    pub attn_pooler_heads: usize,
    /// Whether the normalisation before the blocks is left out. Default: false.
    #[serde(default, skip_serializing_if = "super::is_false")]
    pub no_ln_pre: bool,
    /// How positions are embedded. Default: learned.
    #[serde(default, skip_serializing_if = "PositionEmbedding::is_learnable")]
    pub pos_embed_type: PositionEmbedding,
    /// Whether the last normalisation follows the pooling. Default: false.
    #[serde(default, skip_serializing_if = "super::is_false")]
    pub final_ln_after_pool: bool,
    /// Which token, or mean of tokens, is the feature. Default: the class token.
    #[serde(default, skip_serializing_if = "VisionPool::is_tok")]
    pub pool_type: VisionPool,
    /// Whether open_clip's tower returns its tokens too. Here
    /// [`forward_with_tokens`](crate::vision::VisionTransformer::forward_with_tokens) always does,
    /// so this changes nothing. Default: false.
    #[serde(default, skip_serializing_if = "super::is_false")]
    pub output_tokens: bool,
    /// Options of the GELU.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub act_kwargs: Option<ActivationOptions>,
    /// Options of layer normalisation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub norm_kwargs: Option<NormOptions>,
}

/// Depth of the image tower.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum VisionLayers {
    /// Blocks of a ViT.
    Transformer(usize),
    /// Blocks in each stage of a ModifiedResNet.
    Stages([usize; 4]),
}

impl Default for VisionLayers {
    fn default() -> Self {
        Self::Transformer(12)
    }
}

/// Where a ViT's feature comes from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum VisionPool {
    /// The class token.
    #[default]
    Tok,
    /// The mean of the patches.
    Avg,
    /// Attention of one learned query: SigLIP's tower, which has no class token, no `ln_pre` and
    /// no projection. In open_clip's files it is a timm model; see
    /// [`ClipConfig::to_open_clip`](crate::ClipConfig::to_open_clip).
    Map,
}

impl VisionPool {
    fn is_tok(&self) -> bool {
        *self == Self::Tok
    }
}

/// open_clip's attentional pooling of a ViT's tokens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "FlagOrName", into = "FlagOrName")]
pub enum AttentionalPool {
    /// None.
    #[default]
    Off,
    /// One pooler, whose outputs `pool_type` then reduces.
    Single,
    /// A second pooler with one query reads the same tokens.
    Parallel,
    /// A second pooler with one query reads the outputs of the first.
    Cascade,
}

impl AttentionalPool {
    fn is_off(&self) -> bool {
        *self == Self::Off
    }
}

/// How open_clip writes [`AttentionalPool`].
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum FlagOrName {
    Flag(bool),
    Name(PoolerName),
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum PoolerName {
    Parallel,
    Cascade,
}

impl From<FlagOrName> for AttentionalPool {
    fn from(value: FlagOrName) -> Self {
        match value {
            FlagOrName::Flag(false) => Self::Off,
            FlagOrName::Flag(true) => Self::Single,
            FlagOrName::Name(PoolerName::Parallel) => Self::Parallel,
            FlagOrName::Name(PoolerName::Cascade) => Self::Cascade,
        }
    }
}

impl From<AttentionalPool> for FlagOrName {
    fn from(value: AttentionalPool) -> Self {
        match value {
            AttentionalPool::Off => Self::Flag(false),
            AttentionalPool::Single => Self::Flag(true),
            AttentionalPool::Parallel => Self::Name(PoolerName::Parallel),
            AttentionalPool::Cascade => Self::Name(PoolerName::Cascade),
        }
    }
}

/// How a ViT tells its patches apart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PositionEmbedding {
    /// A learned vector a position.
    #[default]
    Learnable,
    /// Fixed sines and cosines of row and column, which training leaves alone.
    #[serde(rename = "sin_cos_2d")]
    SinCos2d,
}

impl PositionEmbedding {
    fn is_learnable(&self) -> bool {
        *self == Self::Learnable
    }
}

fn default_image_size() -> usize {
    224
}

fn default_width() -> usize {
    768
}

fn default_head_width() -> usize {
    64
}

pub(super) fn default_mlp_ratio() -> f64 {
    4.0
}

pub(super) fn is_default_mlp_ratio(value: &f64) -> bool {
    *value == default_mlp_ratio()
}

fn default_queries() -> usize {
    256
}

fn is_default_queries(value: &usize) -> bool {
    *value == default_queries()
}

fn default_pooler_heads() -> usize {
    8
}

fn is_default_pooler_heads(value: &usize) -> bool {
    *value == default_pooler_heads()
}

fn is_zero(value: &f64) -> bool {
    *value == 0.0
}

impl VisionConfig {
    /// Number of attention heads: of the transformer, or of the ResNet's attention pooling.
    pub fn heads(&self) -> usize {
        match self.layers {
            VisionLayers::Transformer(_) => self.width / self.head_width,
            VisionLayers::Stages(_) => self.width * 32 / self.head_width,
        }
    }

    pub(super) fn validate(&self, embed_dim: usize) -> Result<(), ConfigError> {
        let Self { image_size, width, head_width, mlp_ratio, .. } = *self;
        let sizes = [("image_size", image_size), ("width", width), ("head_width", head_width)];
        require_sizes("vision_cfg", &sizes)?;
        require_most("vision_cfg", "image_size", image_size, MOST_PIXELS)?;
        require_hidden("vision_cfg", width, mlp_ratio)?;
        require_options("vision_cfg", self.ls_init_value, self.norm_kwargs)?;
        require((0.0..1.0).contains(&self.patch_dropout), || {
            format!("vision_cfg: patch_dropout {} is not in [0, 1)", self.patch_dropout)
        })?;
        match (&self.layers, self.patch_size) {
            (VisionLayers::Transformer(layers), Some(patch)) => {
                self.validate_vit(*layers, patch, embed_dim)
            }
            (VisionLayers::Transformer(_), None) => require(false, || {
                "vision_cfg: a ViT (layers is a number) needs a patch_size".into()
            }),
            (VisionLayers::Stages(_), Some(_)) => require(false, || {
                "vision_cfg: a ModifiedResNet (layers lists four stages) has no patch_size".into()
            }),
            (VisionLayers::Stages(stages), None) => self.validate_resnet(stages),
        }
    }

    fn validate_vit(
        &self,
        layers: usize,
        patch: usize,
        embed_dim: usize,
    ) -> Result<(), ConfigError> {
        let Self { image_size, width, head_width, attn_pooler_heads, .. } = *self;
        require_sizes("vision_cfg", &[("layers", layers), ("patch_size", patch)])?;
        require_most("vision_cfg", "layers", layers, MOST_LAYERS)?;
        require_most("vision_cfg", "patches", (image_size / patch).pow(2), MOST_POSITIONS)?;
        require(patch <= image_size, || {
            format!("vision_cfg: image_size {image_size} is below patch_size {patch}")
        })?;
        require(width.is_multiple_of(head_width), || {
            format!("vision_cfg: width {width} is no multiple of head_width {head_width}")
        })?;
        let map = self.pool_type == VisionPool::Map;
        require(!map || width == embed_dim, || {
            format!(
                "vision_cfg: SigLIP's tower has no projection, so width {width} must be embed_dim {embed_dim}"
            )
        })?;
        let fixed = self.pos_embed_type == PositionEmbedding::SinCos2d;
        require(!fixed || width.is_multiple_of(4), || {
            format!(
                "vision_cfg: sines and cosines of two axes need a width {width} that four divides"
            )
        })?;
        if self.attentional_pool.is_off() {
            return Ok(());
        }
        require(!map, || "vision_cfg: SigLIP's tower has its own attentional pooling".into())?;
        let sizes = [
            ("attn_pooler_queries", self.attn_pooler_queries),
            ("attn_pooler_heads", attn_pooler_heads),
        ];
        require_sizes("vision_cfg", &sizes)?;
        require(embed_dim.is_multiple_of(attn_pooler_heads), || {
            format!(
                "vision_cfg: embed_dim {embed_dim} is no multiple of attn_pooler_heads {attn_pooler_heads}"
            )
        })?;
        let cascade = self.attentional_pool == AttentionalPool::Cascade;
        require(!cascade || width == embed_dim, || {
            format!(
                "vision_cfg: a cascade pools its own outputs, so width {width} must be embed_dim {embed_dim}"
            )
        })
    }

    fn validate_resnet(&self, stages: &[usize; 4]) -> Result<(), ConfigError> {
        let Self { image_size, width, head_width, .. } = *self;
        for blocks in stages {
            require_sizes("vision_cfg", &[("a stage's number of blocks", *blocks)])?;
            require_most("vision_cfg", "blocks of a stage", *blocks, MOST_LAYERS)?;
        }
        require(width.is_multiple_of(2), || format!("vision_cfg: width {width} is odd"))?;
        require(image_size.is_multiple_of(32), || {
            format!("vision_cfg: image_size {image_size} is no multiple of 32")
        })?;
        require((width * 32).is_multiple_of(head_width), || {
            let features = width * 32;
            format!(
                "vision_cfg: feature width {features} is no multiple of head_width {head_width}"
            )
        })
    }
}
