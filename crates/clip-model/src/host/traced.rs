//! A block as one operation of the graph: what is kept for the way back is less than Burn's
//! operations keep one by one, and what is cheap is computed again.

use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::NoCheckpointing;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::flex::FlexTensor;
use burn::backend::{Autodiff, BackendTypes, Flex};
use burn::tensor::Tensor;

use super::activation::{activated, activation_backward};
use super::attention::{self_attention, self_attention_backward};
use super::block::{Block, Options};
use super::held;
use super::linear::{Layer, bias_gradient, weight_gradient};
use super::norm::{Norm, NormGradients};

type Traced = <Autodiff<Flex> as BackendTypes>::FloatTensorPrimitive;

/// The input and the parameters, in the order of [`inputs`].
const INPUTS: usize = 13;
const X: usize = 0;
/// The first of the two of each layer.
const LN_1: usize = 1;
const IN_PROJ: usize = 3;
const OUT_PROJ: usize = 5;
const LN_2: usize = 7;
const C_FC: usize = 9;
const C_PROJ: usize = 11;

/// `None` where the graph is of another kind: one that recomputes, Burn's checkpointing.
pub(super) fn forward(block: &Block, x: &Tensor<3>) -> Option<Tensor<3>> {
    let inputs = inputs(block, x)?;
    let inner = inner(&inputs, block.options);
    let (output, kept) = run(inner, plain(&inputs[X]));
    let step = BlockBackward.prepare::<NoCheckpointing>(inputs.each_ref().map(Traced::node));
    let output = match step.compute_bound().stateful() {
        OpsKind::Tracked(step) => step.finish(kept, held(output)),
        OpsKind::UnTracked(step) => step.finish(held(output)),
    };
    Some(Tensor::from_primitive::<Autodiff<Flex>>(output))
}

fn inputs(block: &Block, x: &Tensor<3>) -> Option<[Traced; INPUTS]> {
    let Block { ln_1, in_proj, out_proj, ln_2, c_fc, c_proj, .. } = block;
    Some([
        traced(x)?,
        traced(&ln_1.gamma)?,
        traced(&ln_1.beta)?,
        traced(&in_proj.weight)?,
        traced(&in_proj.bias)?,
        traced(&out_proj.weight)?,
        traced(&out_proj.bias)?,
        traced(&ln_2.gamma)?,
        traced(&ln_2.beta)?,
        traced(&c_fc.weight)?,
        traced(&c_fc.bias)?,
        traced(&c_proj.weight)?,
        traced(&c_proj.bias)?,
    ])
}

/// The block's parameters without the graph.
fn inner(inputs: &[Traced; INPUTS], options: Options) -> Block {
    let norm = |first: usize| Norm {
        gamma: plain(&inputs[first]),
        beta: plain(&inputs[first + 1]),
        epsilon: options.epsilon,
    };
    let layer = |first: usize| Layer {
        weight: plain(&inputs[first]),
        bias: plain(&inputs[first + 1]),
        packed: None,
    };
    Block {
        ln_1: norm(LN_1),
        in_proj: layer(IN_PROJ),
        out_proj: layer(OUT_PROJ),
        ln_2: norm(LN_2),
        c_fc: layer(C_FC),
        c_proj: layer(C_PROJ),
        options,
    }
}

fn traced<const D: usize>(x: &Tensor<D>) -> Option<Traced> {
    x.clone().try_into_primitive::<Autodiff<Flex>>().ok()
}

fn plain<const D: usize>(x: &Traced) -> Tensor<D> {
    Tensor::from_primitive::<Flex>(x.primitive().clone())
}

/// What the way back needs; all are `[batch, sequence, ...]`.
#[derive(Clone, Debug)]
struct Kept {
    block: Block,
    x: Tensor<3>,
    packed: Tensor<3>,
    mixed: Tensor<3>,
    /// After the attention was added.
    middle: Tensor<3>,
    /// Before the activation.
    hidden: Tensor<3>,
}

fn run(block: Block, x: Tensor<3>) -> (Tensor<3>, Kept) {
    let Options { heads, causal, activation, .. } = block.options;
    let packed = block.in_proj.forward(block.ln_1.forward(x.clone()), None);
    let mixed = self_attention(packed.clone(), heads, causal);
    let middle = block.out_proj.forward_added(mixed.clone(), x.clone());
    let hidden = block.c_fc.forward(block.ln_2.forward(middle.clone()), None);
    let output = block.c_proj.forward_added(activated(hidden.clone(), activation), middle.clone());
    (output, Kept { block, x, packed, mixed, middle, hidden })
}

#[derive(Debug)]
struct BlockBackward;

impl Backward<Flex, INPUTS> for BlockBackward {
    type State = Kept;

    fn backward(self, ops: Ops<Kept, INPUTS>, gradients: &mut Gradients, _: &mut Checkpointer) {
        let Ops { parents, node, state } = ops;
        let derivative = Tensor::from_primitive::<Flex>(gradients.consume::<Flex>(&node));
        let mut found =
            Found { wanted: parents.each_ref().map(Option::is_some), ..Found::default() };
        state.backward(derivative, &mut found);
        for (parent, gradient) in parents.iter().zip(found.gradients) {
            if let (Some(parent), Some(gradient)) = (parent, gradient) {
                gradients.register::<Flex>(parent.id, gradient);
            }
        }
    }
}

/// The gradients of the [`inputs`], those of locked parameters left out.
#[derive(Default)]
struct Found {
    wanted: [bool; INPUTS],
    gradients: [Option<FlexTensor>; INPUTS],
}

impl Found {
    /// Those of a layer, from its input and the derivative at its output; returns that at the input.
    fn layer(
        &mut self,
        first: usize,
        layer: &Layer,
        input: impl FnOnce() -> Tensor<3>,
        derivative: Tensor<3>,
    ) -> Tensor<3> {
        if self.wanted[first] {
            self.gradients[first] = Some(held(weight_gradient(input(), derivative.clone())));
        }
        if self.wanted[first + 1] {
            self.gradients[first + 1] = Some(held(bias_gradient(derivative.clone())));
        }
        layer.input_gradient(derivative)
    }

    /// Those of a normalisation; returns the derivative at its input.
    fn norm(&mut self, first: usize, gradients: NormGradients) -> Tensor<3> {
        self.gradients[first] = Some(held(gradients.gamma));
        self.gradients[first + 1] = Some(held(gradients.beta));
        gradients.x
    }
}

impl Kept {
    /// From the derivative at the output to those at the inputs.
    fn backward(self, derivative: Tensor<3>, found: &mut Found) {
        let Self { block, x, packed, mixed, middle, hidden } = self;
        let Block { ln_1, in_proj, out_proj, ln_2, c_fc, c_proj, options } = block;
        let Options { heads, causal, activation, .. } = options;

        let input = || activated(hidden.clone(), activation);
        let at_hidden = found.layer(C_PROJ, &c_proj, input, derivative.clone());
        let at_hidden = activation_backward(hidden, at_hidden, activation);
        let at_norm = found.layer(C_FC, &c_fc, || ln_2.forward(middle.clone()), at_hidden);
        let at_middle = found.norm(LN_2, ln_2.backward(middle, at_norm, derivative));

        let at_mixed = found.layer(OUT_PROJ, &out_proj, || mixed, at_middle.clone());
        let at_packed = self_attention_backward(packed, at_mixed, heads, causal);
        let at_norm = found.layer(IN_PROJ, &in_proj, || ln_1.forward(x.clone()), at_packed);
        let at_x = found.norm(LN_1, ln_1.backward(x, at_norm, at_middle));
        found.gradients[X] = Some(held(at_x));
    }
}
