use std::ops::ControlFlow;

use burn::nn::{LayerNorm, Linear};
use burn::tensor::{DType, Tensor};

use super::attention::{self_attention, takes_heads_of};
use super::linear::Layer;
use super::norm::Norm;
use crate::device::is_cpu;
use crate::{Activation, ResidualAttentionBlock};

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

impl Block {
    /// The block's, if it is one for the host: in f32, on the CPU, without a layer scale.
    pub fn of(block: &ResidualAttentionBlock, options: Options) -> Option<Self> {
        let ResidualAttentionBlock { ln_1, attn, ls_1: None, ln_2, mlp, ls_2: None, .. } = block
        else {
            return None;
        };
        let weight = attn.in_proj.weight.val();
        let [width, _] = weight.dims();
        let taken = weight.dtype() == DType::F32
            && is_cpu(&weight.device())
            && takes_heads_of(width / options.heads);
        if !taken {
            return None;
        }
        Some(Self {
            ln_1: norm(ln_1, options)?,
            in_proj: layer(&attn.in_proj)?,
            out_proj: layer(&attn.out_proj)?,
            ln_2: norm(ln_2, options)?,
            c_fc: layer(&mlp.c_fc)?,
            c_proj: layer(&mlp.c_proj)?,
            options,
        })
    }

    /// The block without a mask but the causal one: breaks with the output, or goes on with an input
    /// that is none for the host.
    ///
    /// # Shapes
    ///
    /// - input and output: `[batch, sequence, width]`
    pub fn forward(&self, x: Tensor<3>) -> ControlFlow<Tensor<3>, Tensor<3>> {
        if x.dtype() != DType::F32 {
            return ControlFlow::Continue(x);
        }
        if !x.device().is_autodiff() {
            return ControlFlow::Break(self.forward_without_graph(x));
        }
        match super::traced::forward(self, &x) {
            Some(output) => ControlFlow::Break(output),
            None => ControlFlow::Continue(x),
        }
    }

    fn forward_without_graph(&self, x: Tensor<3>) -> Tensor<3> {
        let Options { heads, causal, activation, .. } = self.options;
        let packed = self.in_proj.forward(self.ln_1.forward(x.clone()), None);
        let x = self.out_proj.forward_added(self_attention(packed, heads, causal), x);
        let hidden = self.c_fc.forward(self.ln_2.forward(x.clone()), Some(activation));
        self.c_proj.forward_added(hidden, x)
    }
}

fn norm(norm: &LayerNorm, options: Options) -> Option<Norm> {
    let beta = norm.beta.as_ref()?.val();
    Some(Norm { gamma: norm.gamma.val(), beta, epsilon: options.epsilon })
}

fn layer(linear: &Linear) -> Option<Layer> {
    let bias = linear.bias.as_ref()?.val();
    Some(Layer { weight: linear.weight.val(), bias })
}
