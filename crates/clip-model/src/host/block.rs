use std::ops::ControlFlow;

use burn::nn::{LayerNorm, Linear};
use burn::tensor::{DType, Tensor};

use super::attention::{attention_at, self_attention, takes_heads_of};
use super::linear::{KeptPacked, Layer, kept_packed};
use super::norm::Norm;
use super::weight::reads;
use crate::device::is_cpu;
use crate::transformer::{Mlp, MultiHeadAttention};
use crate::{Activation, Position, ResidualAttentionBlock};

/// What a pre-norm transformer block computes with.
#[derive(Clone, Debug)]
pub(crate) struct Block {
    pub(super) ln_1: Norm,
    pub(super) in_proj: Layer,
    pub(super) out_proj: Layer,
    pub(super) ln_2: Norm,
    pub(super) c_fc: Layer,
    pub(super) c_proj: Layer,
    pub(super) options: Options,
}

/// What of a block is not a tensor.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Options {
    pub heads: usize,
    pub causal: bool,
    pub activation: Activation,
    /// Of both layer normalisations.
    pub epsilon: f32,
}

/// The weights of a block's layers, packed once for all products, if they were.
#[derive(Clone, Debug, Default)]
pub(crate) struct PackedLayers {
    in_proj: KeptPacked,
    out_proj: KeptPacked,
    c_fc: KeptPacked,
    c_proj: KeptPacked,
}

impl PackedLayers {
    pub fn of(attn: &MultiHeadAttention, mlp: &Mlp) -> Self {
        let packed = |layer: &Linear| kept_packed(layer.weight.val());
        Self {
            in_proj: packed(&attn.in_proj),
            out_proj: packed(&attn.out_proj),
            c_fc: packed(&mlp.c_fc),
            c_proj: packed(&mlp.c_proj),
        }
    }
}

impl Block {
    /// The block's, if it is one for the host: on the CPU, without a layer scale.
    pub fn of(block: &ResidualAttentionBlock, options: Options) -> Option<Self> {
        let ResidualAttentionBlock {
            ln_1, attn, ls_1: None, ln_2, mlp, ls_2: None, packed, ..
        } = block
        else {
            return None;
        };
        let weight = attn.in_proj.weight.val();
        let [width, _] = weight.dims();
        if !is_cpu(&weight.device()) || !takes_heads_of(width / options.heads) {
            return None;
        }
        Some(Self {
            ln_1: norm(ln_1, options)?,
            in_proj: layer(&attn.in_proj, &packed.in_proj)?,
            out_proj: layer(&attn.out_proj, &packed.out_proj)?,
            ln_2: norm(ln_2, options)?,
            c_fc: layer(&mlp.c_fc, &packed.c_fc)?,
            c_proj: layer(&mlp.c_proj, &packed.c_proj)?,
            options,
        })
    }

    /// The block without a mask but the causal one: breaks with the output, or goes on with an input
    /// that is none for the host. Without a graph all is computed in f32, whatever formats the input
    /// and the weights have.
    ///
    /// # Shapes
    ///
    /// - input and output: `[batch, sequence, width]`
    pub fn forward(&self, x: Tensor<3>) -> ControlFlow<Tensor<3>, Tensor<3>> {
        if !x.device().is_autodiff() {
            return ControlFlow::Break(computed_in_f32(x, |x| self.forward_without_graph(x)));
        }
        match (self.is_f32() && x.dtype() == DType::F32).then(|| super::traced::forward(self, &x)) {
            Some(Some(output)) => ControlFlow::Break(output),
            _ => ControlFlow::Continue(x),
        }
    }

    /// The same at one position of each sequence; with a graph it goes on with the input.
    ///
    /// # Shapes
    ///
    /// - input: `[batch, sequence, width]`
    /// - output: `[batch, 1, width]`
    pub fn forward_at(
        &self,
        x: Tensor<3>,
        position: &Position,
    ) -> ControlFlow<Tensor<3>, Tensor<3>> {
        if x.device().is_autodiff() {
            return ControlFlow::Continue(x);
        }
        ControlFlow::Break(computed_in_f32(x, |x| self.forward_at_without_graph(x, position)))
    }

    fn is_f32(&self) -> bool {
        let layers = [&self.in_proj, &self.out_proj, &self.c_fc, &self.c_proj];
        layers.iter().all(|layer| layer.weight.dtype() == DType::F32)
    }

    fn forward_at_without_graph(&self, x: Tensor<3>, position: &Position) -> Tensor<3> {
        let Options { heads, causal, .. } = self.options;
        let [batch, sequence, width] = x.dims();
        let seen: Vec<usize> = match causal {
            true => position.indices([batch, sequence]).iter().map(|index| index + 1).collect(),
            false => vec![sequence; batch],
        };
        let normalized = self.ln_1.forward(x.clone());
        let queries = self.in_proj.columns(position.of(normalized.clone()), 0..width);
        let packed = self.in_proj.columns(normalized, width..3 * width);
        let mixed = attention_at(queries, packed, heads, &seen);
        self.after_attention(mixed, position.of(x))
    }

    fn forward_without_graph(&self, x: Tensor<3>) -> Tensor<3> {
        let Options { heads, causal, .. } = self.options;
        let packed = self.in_proj.forward(self.ln_1.forward(x.clone()), None);
        self.after_attention(self_attention(packed, heads, causal), x)
    }

    fn after_attention(&self, mixed: Tensor<3>, x: Tensor<3>) -> Tensor<3> {
        let x = self.out_proj.forward_added(mixed, x);
        let activation = Some(self.options.activation);
        let hidden = self.c_fc.forward(self.ln_2.forward(x.clone()), activation);
        self.c_proj.forward_added(hidden, x)
    }
}

fn norm(norm: &LayerNorm, options: Options) -> Option<Norm> {
    let beta = in_f32(norm.beta.as_ref()?.val());
    Some(Norm { gamma: in_f32(norm.gamma.val()), beta, epsilon: options.epsilon })
}

fn layer(linear: &Linear, packed: &KeptPacked) -> Option<Layer> {
    let (weight, bias) = (linear.weight.val(), linear.bias.as_ref()?.val());
    reads(weight.dtype()).then(|| Layer { weight, bias: in_f32(bias), packed: packed.clone() })
}

/// What is done in f32, in the input's own format.
fn computed_in_f32(x: Tensor<3>, compute: impl Fn(Tensor<3>) -> Tensor<3>) -> Tensor<3> {
    match x.dtype() {
        DType::F32 => compute(x),
        dtype => compute(x.cast(DType::F32)).cast(dtype),
    }
}

fn in_f32<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    match x.dtype() {
        DType::F32 => x,
        _ => x.cast(DType::F32),
    }
}
