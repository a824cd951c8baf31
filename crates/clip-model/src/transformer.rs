#[cfg(feature = "flex")]
use std::ops::ControlFlow;
use std::ops::Range;

use burn::module::{Module, Param};
use burn::nn::{Initializer, LayerNorm, Linear, LinearConfig};
use burn::tensor::module::{attention, linear};
use burn::tensor::ops::AttentionModuleOptions;
use burn::tensor::{Bool, Device, Tensor};

use crate::config::epsilon;
#[cfg(feature = "flex")]
use crate::host;
use crate::norm::{layer_norm, normalized};
use crate::{Activation, NormOptions};

mod position;

pub use position::Position;

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
    /// - mask: `[batch, 1, sequence, sequence]`, true where a position (third axis) must not see
    ///   another (fourth axis)
    /// - output: `[batch, sequence, width]`
    pub fn forward(&self, x: Tensor<3>, mask: Option<Tensor<4, Bool>>) -> Tensor<3> {
        let [batch, sequence, width] = x.dims();
        let packed = self.in_proj.forward(x);
        let part = |index: usize| {
            let columns = index * width..(index + 1) * width;
            split_heads(packed.clone().slice([0..batch, 0..sequence, columns]), self.heads)
        };
        let mask = mask.map(|mask| mask.expand([batch, self.heads, sequence, sequence]));
        let options = AttentionModuleOptions { is_causal: self.causal, ..Default::default() };
        let mixed = attention(part(0), part(1), part(2), mask, None, options);
        self.out_proj.forward(join_heads(mixed))
    }
}

impl MultiHeadAttention {
    /// The output at one position of each sequence: keys and values of every position, one query.
    ///
    /// # Shapes
    ///
    /// - input: `[batch, sequence, width]`
    /// - output: `[batch, 1, width]`
    fn forward_at(&self, x: Tensor<3>, position: &Position) -> Tensor<3> {
        let [batch, sequence, width] = x.dims();
        let query = split_heads(self.project(position.of(x.clone()), 0..width), self.heads);
        let packed = self.project(x, width..3 * width);
        let part = |columns: Range<usize>| {
            split_heads(packed.clone().slice([0..batch, 0..sequence, columns]), self.heads)
        };
        let (keys, values) = (part(0..width), part(width..2 * width));
        let mask = self.causal.then(|| position.unseen(sequence, &query.device())).flatten();
        let mask = mask.map(|mask| mask.expand([batch, self.heads, 1, sequence]));
        let mixed = attention(query, keys, values, mask, None, AttentionModuleOptions::default());
        self.out_proj.forward(join_heads(mixed))
    }

    /// Some columns of the packed projection.
    fn project(&self, x: Tensor<3>, columns: Range<usize>) -> Tensor<3> {
        let weight = self.in_proj.weight.val();
        let [width, _] = weight.dims();
        let bias = self.in_proj.bias.as_ref().map(|bias| bias.val().slice([columns.clone()]));
        linear(x, weight.slice([0..width, columns]), bias)
    }
}

/// `[batch, sequence, width]` to `[batch, heads, sequence, width / heads]`.
pub(crate) fn split_heads(x: Tensor<3>, heads: usize) -> Tensor<4> {
    let [batch, sequence, width] = x.dims();
    x.reshape([batch, sequence, heads, width / heads]).swap_dims(1, 2)
}

/// `[batch, heads, sequence, head_width]` to `[batch, sequence, heads * head_width]`.
pub(crate) fn join_heads(x: Tensor<4>) -> Tensor<3> {
    let [batch, heads, sequence, head_width] = x.dims();
    x.swap_dims(1, 2).reshape([batch, sequence, heads * head_width])
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
    /// A perceptron whose hidden layer is `mlp_ratio` times as wide, rounded down.
    pub(crate) fn new(
        width: usize,
        mlp_ratio: f64,
        activation: Activation,
        device: &Device,
    ) -> Self {
        let hidden = (width as f64 * mlp_ratio) as usize;
        Self {
            c_fc: LinearConfig::new(width, hidden).init(device),
            c_proj: LinearConfig::new(hidden, width).init(device),
            activation,
        }
    }

    /// # Shapes
    ///
    /// - input and output: `[batch, sequence, width]`
    pub fn forward(&self, x: Tensor<3>) -> Tensor<3> {
        self.c_proj.forward(self.activation.forward(self.c_fc.forward(x)))
    }
}

/// A learned gain on each channel of a branch (CaiT's layer scale).
#[derive(Module, Debug)]
pub struct LayerScale {
    /// `[width]`.
    pub gain: Param<Tensor<1>>,
}

impl LayerScale {
    fn apply(scale: &Option<Self>, x: Tensor<3>) -> Tensor<3> {
        match scale {
            Some(scale) => x * scale.gain.val().unsqueeze(),
            None => x,
        }
    }
}

/// A pre-norm transformer block.
#[derive(Module, Debug)]
pub struct ResidualAttentionBlock {
    /// Normalises the attention's input.
    pub ln_1: LayerNorm,
    /// Mixes positions.
    pub attn: MultiHeadAttention,
    /// Scales the attention's output.
    pub ls_1: Option<LayerScale>,
    /// Normalises the perceptron's input.
    pub ln_2: LayerNorm,
    /// Mixes channels.
    pub mlp: Mlp,
    /// Scales the perceptron's output.
    pub ls_2: Option<LayerScale>,
    /// Of the normalisations, which keep theirs to themselves.
    #[module(skip)]
    epsilon: f64,
    #[cfg(feature = "flex")]
    #[module(skip)]
    pub(crate) packed: host::PackedLayers,
}

impl ResidualAttentionBlock {
    /// # Shapes
    ///
    /// - input and output: `[batch, sequence, width]`
    /// - mask: as [`MultiHeadAttention::forward`]'s
    pub fn forward(&self, x: Tensor<3>, mask: Option<Tensor<4, Bool>>) -> Tensor<3> {
        #[cfg(feature = "flex")]
        let x = match mask {
            Some(_) => x,
            None => match self.forward_on_host(x) {
                ControlFlow::Break(output) => return output,
                ControlFlow::Continue(x) => x,
            },
        };
        self.forward_by_operations(x, mask)
    }

    /// The same by Burn's operations, one after the other.
    fn forward_by_operations(&self, x: Tensor<3>, mask: Option<Tensor<4, Bool>>) -> Tensor<3> {
        let mixed = self.attn.forward(normalized(&self.ln_1, x.clone()), mask);
        let x = x + LayerScale::apply(&self.ls_1, mixed);
        let mixed = self.mlp.forward(normalized(&self.ln_2, x.clone()));
        x + LayerScale::apply(&self.ls_2, mixed)
    }

    /// The output at one position of each sequence; nothing is masked but, in a causal block, what
    /// comes after it.
    ///
    /// # Shapes
    ///
    /// - input: `[batch, sequence, width]`
    /// - output: `[batch, 1, width]`
    fn forward_at(&self, x: Tensor<3>, position: &Position) -> Tensor<3> {
        #[cfg(feature = "flex")]
        let x = match self.forward_on_host_at(x, position) {
            ControlFlow::Break(output) => return output,
            ControlFlow::Continue(x) => x,
        };
        self.forward_by_operations_at(x, position)
    }

    fn forward_by_operations_at(&self, x: Tensor<3>, position: &Position) -> Tensor<3> {
        let mixed = self.attn.forward_at(normalized(&self.ln_1, x.clone()), position);
        let x = position.of(x) + LayerScale::apply(&self.ls_1, mixed);
        let mixed = self.mlp.forward(normalized(&self.ln_2, x.clone()));
        x + LayerScale::apply(&self.ls_2, mixed)
    }

    /// The same as [`Self::forward_by_operations`] with fewer passes over memory: breaks with the
    /// output, or, where that can't be, goes on with the input.
    #[cfg(feature = "flex")]
    fn forward_on_host(&self, x: Tensor<3>) -> ControlFlow<Tensor<3>, Tensor<3>> {
        match self.on_host() {
            Some(block) => block.forward(x),
            None => ControlFlow::Continue(x),
        }
    }

    /// The same for [`Self::forward_by_operations_at`].
    #[cfg(feature = "flex")]
    fn forward_on_host_at(
        &self,
        x: Tensor<3>,
        position: &Position,
    ) -> ControlFlow<Tensor<3>, Tensor<3>> {
        match self.on_host() {
            Some(block) => block.forward_at(x, position),
            None => ControlFlow::Continue(x),
        }
    }

    /// Whether unmasked it is computed by an operation of its own rather than by Burn's.
    #[cfg(feature = "flex")]
    pub(crate) fn is_on_host(&self) -> bool {
        self.on_host().is_some()
    }

    #[cfg(feature = "flex")]
    fn on_host(&self) -> Option<host::Block> {
        let options = host::Options {
            heads: self.attn.heads,
            causal: self.attn.causal,
            activation: self.mlp.activation,
            epsilon: self.epsilon as f32,
        };
        host::Block::of(self, options)
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
    /// Whether branches have a layer scale.
    pub layer_scale: bool,
    /// The non-linearity of the hidden layers.
    pub activation: Activation,
    /// Options of layer normalisation.
    pub norm: Option<NormOptions>,
}

impl TransformerConfig {
    /// Builds the blocks, with weights that [`ClipConfig::init`](crate::ClipConfig::init) or a
    /// checkpoint then fills.
    pub fn init(&self, device: &Device) -> Transformer {
        let resblocks = (0..self.layers).map(|_| self.block(device)).collect();
        Transformer { resblocks }
    }

    fn block(&self, device: &Device) -> ResidualAttentionBlock {
        let Self { width, heads, causal, norm, .. } = *self;
        let scale = || {
            let gain = || Initializer::Ones.init([width], device);
            self.layer_scale.then(|| LayerScale { gain: gain() })
        };
        ResidualAttentionBlock {
            ln_1: layer_norm(width, norm, device),
            attn: MultiHeadAttention::new(width, heads, causal, device),
            ls_1: scale(),
            ln_2: layer_norm(width, norm, device),
            mlp: Mlp::new(width, self.mlp_ratio, self.activation, device),
            ls_2: scale(),
            epsilon: epsilon(norm),
            #[cfg(feature = "flex")]
            packed: host::PackedLayers::default(),
        }
    }
}

impl Transformer {
    /// # Shapes
    ///
    /// - input and output: `[batch, sequence, width]`
    /// - mask: as [`MultiHeadAttention::forward`]'s
    pub fn forward(&self, x: Tensor<3>, mask: Option<Tensor<4, Bool>>) -> Tensor<3> {
        on_cores(&x.device(), || {
            self.resblocks.iter().fold(x, |x, block| block.forward(x, mask.clone()))
        })
    }

    /// The output at one position of each sequence, nothing being masked but, in causal blocks, what
    /// comes after a position: what only the other positions of the last block would need is left
    /// out.
    ///
    /// # Shapes
    ///
    /// - input: `[batch, sequence, width]`
    /// - output: `[batch, 1, width]`
    pub fn forward_at(&self, x: Tensor<3>, position: &Position) -> Tensor<3> {
        on_cores(&x.device(), || match self.resblocks.split_last() {
            Some((last, others)) => {
                let x = others.iter().fold(x, |x, block| block.forward(x, None));
                last.forward_at(x, position)
            }
            None => position.of(x),
        })
    }
}

/// Computes what on the CPU has many parts for all cores: by one of them, as each part would else
/// wait for the cores to wake.
pub(crate) fn on_cores<R: Send>(device: &Device, compute: impl FnOnce() -> R + Send) -> R {
    #[cfg(feature = "rayon")]
    if crate::is_cpu(device) {
        return rayon::scope(|_| compute());
    }
    #[cfg(not(feature = "rayon"))]
    let _ = device;
    compute()
}

#[cfg(all(test, feature = "flex"))]
mod tests;
