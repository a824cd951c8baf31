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
    /// The output at the first position alone, which sees all: keys and values of every position,
    /// one query.
    ///
    /// # Shapes
    ///
    /// - input: `[batch, sequence, width]`
    /// - output: `[batch, 1, width]`
    fn forward_first(&self, x: Tensor<3>) -> Tensor<3> {
        let [batch, sequence, width] = x.dims();
        let first = x.clone().slice([0..batch, 0..1]);
        let query = split_heads(self.project(first, 0..width), self.heads);
        let packed = self.project(x, width..3 * width);
        let part = |columns: Range<usize>| {
            split_heads(packed.clone().slice([0..batch, 0..sequence, columns]), self.heads)
        };
        let (keys, values) = (part(0..width), part(width..2 * width));
        let mixed = attention(query, keys, values, None, None, AttentionModuleOptions::default());
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
}

impl ResidualAttentionBlock {
    /// # Shapes
    ///
    /// - input and output: `[batch, sequence, width]`
    /// - mask: as [`MultiHeadAttention::forward`]'s
    pub fn forward(&self, x: Tensor<3>, mask: Option<Tensor<4, Bool>>) -> Tensor<3> {
        #[cfg(feature = "flex")]
        if mask.is_none()
            && let Some(output) = self.forward_on_host(&x)
        {
            return output;
        }
        self.forward_by_operations(x, mask)
    }

    /// The same by Burn's operations, one after the other.
    fn forward_by_operations(&self, x: Tensor<3>, mask: Option<Tensor<4, Bool>>) -> Tensor<3> {
        let mixed = self.attn.forward(normalized(&self.ln_1, x.clone()), mask);
        let x = x + LayerScale::apply(&self.ls_1, mixed);
        let mixed = self.mlp.forward(normalized(&self.ln_2, x.clone()));
        x + LayerScale::apply(&self.ls_2, mixed)
    }

    /// The output at the first position alone; nothing is masked.
    ///
    /// # Shapes
    ///
    /// - input: `[batch, sequence, width]`
    /// - output: `[batch, 1, width]`
    fn forward_first(&self, x: Tensor<3>) -> Tensor<3> {
        let [batch, ..] = x.dims();
        let mixed = self.attn.forward_first(normalized(&self.ln_1, x.clone()));
        let x = x.slice([0..batch, 0..1]) + LayerScale::apply(&self.ls_1, mixed);
        let mixed = self.mlp.forward(normalized(&self.ln_2, x.clone()));
        x + LayerScale::apply(&self.ls_2, mixed)
    }

    /// The same with fewer passes over memory, where that can be.
    #[cfg(feature = "flex")]
    fn forward_on_host(&self, x: &Tensor<3>) -> Option<Tensor<3>> {
        let options = host::Options {
            heads: self.attn.heads,
            causal: self.attn.causal,
            activation: self.mlp.activation,
            epsilon: self.epsilon,
        };
        host::Block::of(self, options)?.forward(x)
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
        }
    }
}

impl Transformer {
    /// # Shapes
    ///
    /// - input and output: `[batch, sequence, width]`
    /// - mask: as [`MultiHeadAttention::forward`]'s
    pub fn forward(&self, x: Tensor<3>, mask: Option<Tensor<4, Bool>>) -> Tensor<3> {
        self.resblocks.iter().fold(x, |x, block| block.forward(x, mask.clone()))
    }

    /// The output at the first position alone, nothing being masked: what only the other positions
    /// of the last block would need is left out.
    ///
    /// # Shapes
    ///
    /// - input: `[batch, sequence, width]`
    /// - output: `[batch, 1, width]`
    pub fn forward_first(&self, x: Tensor<3>) -> Tensor<3> {
        let [batch, ..] = x.dims();
        match self.resblocks.split_last() {
            Some((last, others)) => {
                let x = others.iter().fold(x, |x, block| block.forward(x, None));
                last.forward_first(x)
            }
            None => x.slice([0..batch, 0..1]),
        }
    }
}

#[cfg(all(test, feature = "flex"))]
mod tests {
    use burn::module::{Module, ModuleMapper, ModuleVisitor};
    use burn::optim::GradientsParams;
    use burn::tensor::{Distribution, TensorData, Tolerance};

    use super::*;

    fn config(causal: bool, activation: Activation) -> TransformerConfig {
        TransformerConfig {
            width: 64,
            layers: 1,
            heads: 2,
            mlp_ratio: 4.0,
            causal,
            layer_scale: false,
            activation,
            norm: Some(NormOptions { eps: 1e-4 }),
        }
    }

    /// A block whose parameters all differ from those that would hide a mistake.
    fn block(config: &TransformerConfig, device: &Device) -> ResidualAttentionBlock {
        struct Noise;

        impl ModuleMapper for Noise {
            fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
                param.map(|x| {
                    let noise = x.random_like(Distribution::Normal(0.0, 0.2));
                    Tensor::from_inner(x.inner() + noise.inner()).require_grad()
                })
            }
        }

        config.block(&device.clone().autodiff()).map(&mut Noise)
    }

    /// Activations, and lengths around the sizes that work is cut into, with few rows and with many.
    const CASES: [(Activation, usize, usize, bool); 6] = [
        (Activation::Gelu, 1, 1, true),
        (Activation::QuickGelu, 2, 7, false),
        (Activation::GeluTanh, 3, 17, true),
        (Activation::Gelu, 2, 50, false),
        (Activation::GeluTanh, 9, 33, true),
        (Activation::QuickGelu, 9, 33, true),
    ];

    fn noise(shape: [usize; 3], device: &Device) -> Tensor<3> {
        Tensor::random(shape, Distribution::Normal(0.0, 2.0), device)
    }

    #[test]
    fn a_block_on_the_cpu_is_the_one_of_operations() {
        let device = Device::flex();
        device.seed(7);
        for (activation, batch, sequence, causal) in CASES {
            let block = block(&config(causal, activation), &device).valid();
            let x = noise([batch, sequence, 64], &device);
            let right = block.forward_by_operations(x.clone(), None);
            let tolerance = Tolerance::<f32>::relative(1e-4).set_absolute(2e-5);
            let output = block.forward_on_host(&x).expect("the host takes it");
            output.into_data().assert_approx_eq(&right.into_data(), tolerance);
        }
    }

    /// The gradients of all parameters, and that of the input last.
    fn gradients(
        block: &ResidualAttentionBlock,
        x: &Tensor<3>,
        forward: impl Fn(Tensor<3>) -> Tensor<3>,
    ) -> Vec<(String, Option<TensorData>)> {
        struct Named<'a>(&'a GradientsParams, Vec<String>, Vec<(String, Option<TensorData>)>);

        impl ModuleVisitor for Named<'_> {
            fn enter_module(&mut self, name: &str, _: &str) {
                self.1.push(name.to_owned());
            }

            fn exit_module(&mut self, _: &str, _: &str) {
                self.1.pop();
            }

            fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
                let gradient = self.0.get::<D>(param.id).map(Tensor::into_data);
                self.2.push((self.1.join("."), gradient));
            }
        }

        let leaf = Tensor::from_inner(x.clone()).require_grad();
        let slope = Tensor::from_inner(x.clone().sin());
        let mut gradients = (forward(leaf.clone()) * slope).sum().backward();
        let at_input = leaf.grad_remove(&mut gradients).map(Tensor::into_data);
        let of_parameters = GradientsParams::from_grads(gradients, block);
        let mut named = Named(&of_parameters, Vec::new(), Vec::new());
        block.visit(&mut named);
        named.2.push(("input".to_owned(), at_input));
        named.2
    }

    #[test]
    fn a_blocks_gradients_on_the_cpu_are_those_of_operations() {
        let device = Device::flex();
        device.seed(7);
        for (activation, batch, sequence, causal) in CASES {
            let block = block(&config(causal, activation), &device);
            let x = noise([batch, sequence, 64], &device);
            let by_operations = |x| block.forward_by_operations(x, None);
            let on_host = |x| block.forward_on_host(&x).expect("the host takes it");
            let right = gradients(&block, &x, by_operations);
            assert_eq!(right.len(), 13);
            for ((name, right), (_, found)) in right.iter().zip(gradients(&block, &x, on_host)) {
                let right = right.as_ref().expect("operations have a gradient");
                let found = found.expect("the block has one, too");
                let largest = right.iter::<f32>().fold(0.0f32, |largest, x| largest.max(x.abs()));
                let apart = right.iter::<f32>().zip(found.iter::<f32>());
                let apart = apart.fold(0.0f32, |most, (a, b)| most.max((a - b).abs()));
                assert!(
                    apart <= 2e-5 * largest.max(1e-3),
                    "{name} {activation:?} {batch} x {sequence}: {apart}"
                );
            }
        }
    }

    /// What is locked gets none, and leaves the others as they are.
    #[test]
    fn locked_parameters_of_a_block_get_no_gradient() {
        let device = Device::flex();
        device.seed(7);
        let mut block = block(&config(false, Activation::Gelu), &device);
        let x = noise([2, 9, 64], &device);
        let forward = |block: &ResidualAttentionBlock| {
            let x = Tensor::from_inner(x.clone());
            let output = block.forward_on_host(&x).expect("the host takes it");
            let gradients = output.square().sum().backward();
            GradientsParams::from_grads(gradients, block)
        };
        let all = forward(&block);
        block.attn = block.attn.no_grad();
        block.ln_2 = block.ln_2.no_grad();
        let some = forward(&block);
        assert_eq!(some.len(), all.len() - 6);
        assert!(some.get::<2>(block.attn.in_proj.weight.id).is_none());
        let of = |gradients: &GradientsParams| {
            gradients.get::<2>(block.mlp.c_fc.weight.id).expect("it is trained").into_data()
        };
        assert_eq!(of(&some), of(&all));
    }

    /// Burn's checkpointing wants its own operations.
    #[test]
    fn a_graph_that_recomputes_goes_by_operations() {
        let device = Device::flex().autodiff().gradient_checkpointing();
        let block = config(false, Activation::Gelu).block(&device);
        let x = noise([1, 3, 64], &device);
        assert!(block.forward_on_host(&x).is_none());
        assert_eq!(block.forward(x, None).dims(), [1, 3, 64]);
    }

    #[test]
    fn the_first_position_alone_is_that_of_all() {
        let device = Device::flex();
        let config = TransformerConfig {
            width: 32,
            layers: 3,
            heads: 2,
            mlp_ratio: 4.0,
            causal: false,
            layer_scale: true,
            activation: Activation::QuickGelu,
            norm: None,
        };
        let transformer = config.init(&device);
        let x = Tensor::<3>::random([2, 9, 32], Distribution::Normal(0.0, 1.0), &device);
        let right = transformer.forward(x.clone(), None).slice([0..2, 0..1]);
        let tolerance = Tolerance::<f32>::relative(1e-4).set_absolute(1e-5);
        let first = transformer.forward_first(x).into_data();
        first.assert_approx_eq(&right.into_data(), tolerance);
    }
}
