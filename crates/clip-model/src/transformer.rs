use burn::module::Module;
use burn::nn::{LayerNorm, LayerNormConfig, Linear, LinearConfig};
use burn::tensor::activation::{gelu, sigmoid};
use burn::tensor::module::attention;
use burn::tensor::ops::AttentionModuleOptions;
use burn::tensor::{Device, Tensor};

/// The non-linearity of the transformer's hidden layers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Activation {
    /// The exact GELU, by the error function.
    Gelu,
    /// `x * sigmoid(1.702 x)`, in OpenAI's released models.
    QuickGelu,
}

impl Activation {
    /// The activation that a configuration's `quick_gelu` asks for.
    pub fn from_quick_gelu(quick_gelu: bool) -> Self {
        match quick_gelu {
            true => Self::QuickGelu,
            false => Self::Gelu,
        }
    }

    /// Applies the function to each element.
    pub fn forward<const D: usize>(&self, x: Tensor<D>) -> Tensor<D> {
        match self {
            Self::Gelu => gelu(x),
            Self::QuickGelu => x.clone() * sigmoid(x * 1.702),
        }
    }
}

/// Multi-head self-attention with the packed query-key-value projection of the reference.
#[derive(Module, Debug)]
pub struct MultiHeadAttention {
    /// Packed projection, `[width, 3 * width]`.
    pub in_proj: Linear,
    /// Output projection, `[width, width]`.
    pub out_proj: Linear,
    heads: usize,
    causal: bool,
}

impl MultiHeadAttention {
    fn new(width: usize, heads: usize, causal: bool, device: &Device) -> Self {
        Self {
            in_proj: LinearConfig::new(width, 3 * width).init(device),
            out_proj: LinearConfig::new(width, width).init(device),
            heads,
            causal,
        }
    }

    /// # Shapes
    ///
    /// - input: `[batch, sequence, width]`
    /// - output: `[batch, sequence, width]`
    pub fn forward(&self, x: Tensor<3>) -> Tensor<3> {
        let [batch, sequence, width] = x.dims();
        let head_width = width / self.heads;
        let packed = self.in_proj.forward(x);
        let part = |index: usize| {
            packed
                .clone()
                .slice([0..batch, 0..sequence, index * width..(index + 1) * width])
                .reshape([batch, sequence, self.heads, head_width])
                .swap_dims(1, 2) // [batch, heads, sequence, head_width]
        };
        let options = AttentionModuleOptions { is_causal: self.causal, ..Default::default() };
        let mixed = attention(part(0), part(1), part(2), None, None, options);
        self.out_proj.forward(mixed.swap_dims(1, 2).reshape([batch, sequence, width]))
    }
}

/// The two-layer perceptron of a block.
#[derive(Module, Debug)]
pub struct Mlp {
    /// `[width, hidden]`.
    pub c_fc: Linear,
    /// `[hidden, width]`.
    pub c_proj: Linear,
    #[module(skip)]
    activation: Activation,
}

impl Mlp {
    fn forward(&self, x: Tensor<3>) -> Tensor<3> {
        self.c_proj.forward(self.activation.forward(self.c_fc.forward(x)))
    }
}

/// A pre-norm transformer block.
#[derive(Module, Debug)]
pub struct ResidualAttentionBlock {
    /// Normalises the attention's input.
    pub ln_1: LayerNorm,
    /// Mixes positions.
    pub attn: MultiHeadAttention,
    /// Normalises the perceptron's input.
    pub ln_2: LayerNorm,
    /// Mixes channels.
    pub mlp: Mlp,
}

impl ResidualAttentionBlock {
    /// # Shapes
    ///
    /// - input and output: `[batch, sequence, width]`
    pub fn forward(&self, x: Tensor<3>) -> Tensor<3> {
        let x = x.clone() + self.attn.forward(self.ln_1.forward(x));
        x.clone() + self.mlp.forward(self.ln_2.forward(x))
    }
}

/// The stack of blocks that both towers share.
#[derive(Module, Debug)]
pub struct Transformer {
    /// The blocks, first to last.
    pub resblocks: Vec<ResidualAttentionBlock>,
}

/// What a [`Transformer`] is made of.
#[derive(Clone, Copy, Debug)]
pub struct TransformerConfig {
    /// Width of the residual stream.
    pub width: usize,
    /// Number of blocks.
    pub layers: usize,
    /// Number of attention heads.
    pub heads: usize,
    /// Width of the hidden layer over the width.
    pub mlp_ratio: f64,
    /// Whether a position sees only those before it.
    pub causal: bool,
    /// The non-linearity of the hidden layers.
    pub activation: Activation,
}

impl TransformerConfig {
    /// Builds the blocks, with weights that [`ClipConfig::init`](crate::ClipConfig::init) or a
    /// checkpoint then fills.
    pub fn init(&self, device: &Device) -> Transformer {
        let resblocks = (0..self.layers).map(|_| self.block(device)).collect();
        Transformer { resblocks }
    }

    fn block(&self, device: &Device) -> ResidualAttentionBlock {
        let Self { width, heads, causal, activation, .. } = *self;
        let hidden = (width as f64 * self.mlp_ratio) as usize;
        ResidualAttentionBlock {
            ln_1: LayerNormConfig::new(width).init(device),
            attn: MultiHeadAttention::new(width, heads, causal, device),
            ln_2: LayerNormConfig::new(width).init(device),
            mlp: Mlp {
                c_fc: LinearConfig::new(width, hidden).init(device),
                c_proj: LinearConfig::new(hidden, width).init(device),
                activation,
            },
        }
    }
}

impl Transformer {
    /// # Shapes
    ///
    /// - input and output: `[batch, sequence, width]`
    pub fn forward(&self, x: Tensor<3>) -> Tensor<3> {
        self.resblocks.iter().fold(x, |x, block| block.forward(x))
    }
}
