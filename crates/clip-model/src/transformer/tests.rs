use burn::module::{Module, ModuleMapper, ModuleVisitor};
use burn::optim::GradientsParams;
use burn::tensor::{DType, Distribution, Int, TensorData, Tolerance};

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
        let output = block.forward_on_host(x.clone()).break_value().expect("the host takes it");
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
        let on_host = |x| block.forward_on_host(x).break_value().expect("the host takes it");
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
        let output = block.forward_on_host(x).break_value().expect("the host takes it");
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
    assert!(block.forward_on_host(x.clone()).is_continue());
    assert_eq!(block.forward(x, None).dims(), [1, 3, 64]);
}

struct Cast(DType);

impl ModuleMapper for Cast {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        param.map(|x| x.cast(self.0))
    }
}

/// The same numbers in f32.
struct Widen;

impl ModuleMapper for Widen {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        param.map(|x| match x.dtype() {
            DType::QFloat(_) => x.dequantize(),
            _ => x.cast(DType::F32),
        })
    }
}

#[test]
fn a_block_on_the_cpu_reads_weights_in_every_format() {
    let device = Device::flex();
    device.seed(7);
    let whole = block(&config(true, Activation::Gelu), &device).valid();
    let rounded = |dtype: DType| whole.clone().map(&mut Cast(dtype));
    let mut int8 = whole.clone();
    crate::int8::round_block(&mut int8);
    for [batch, sequence] in [[2, 7], [9, 33]] {
        let x = noise([batch, sequence, 64], &device);
        let ends = Tensor::<1, Int>::arange(0..batch as i64, &device).reshape([batch, 1]);
        for block in [&rounded(DType::BF16), &rounded(DType::F16), &int8] {
            let format = block.mlp.c_fc.weight.val().dtype();
            let widened = block.clone().map(&mut Widen);
            let right = widened.forward_by_operations(x.clone(), None);
            let output = block.forward_on_host(x.clone()).break_value().expect("the host takes it");
            assert!(distance(output, right.clone()) < 1e-5, "{format:?}");
            let position = Position::At(ends.clone());
            let right = position.of(right);
            assert!(distance(block.forward_at(x.clone(), &position), right) < 1e-5, "{format:?}");
        }
    }
}

/// How far apart two outputs are, as a part of their length.
fn distance(a: Tensor<3>, b: Tensor<3>) -> f32 {
    let length = |x: Tensor<3>| x.square().sum().sqrt().into_scalar::<f32>();
    length(a - b.clone()) / length(b)
}

#[test]
fn one_position_alone_is_that_of_all() {
    let device = Device::flex();
    device.seed(7);
    let ends = Tensor::<2, Int>::from_data([[4], [0], [8]], &device);
    for (causal, layer_scale) in [(false, false), (true, false), (false, true), (true, true)] {
        let config =
            TransformerConfig { layers: 3, layer_scale, ..config(causal, Activation::Gelu) };
        let mut transformer = config.init(&device);
        for block in &mut transformer.resblocks {
            *block = self::block(&config, &device).valid();
        }
        let x = noise([3, 9, 64], &device);
        let all = transformer.forward(x.clone(), None);
        for position in [Position::First, Position::Last, Position::At(ends.clone())] {
            let right = position.of(all.clone()).into_data();
            let tolerance = Tolerance::<f32>::relative(1e-4).set_absolute(1e-4);
            let alone = transformer.forward_at(x.clone(), &position);
            alone.into_data().assert_approx_eq(&right, tolerance);
            let block = transformer.resblocks.last().expect("there are three");
            let by_operations = block.forward_by_operations_at(x.clone(), &position);
            let on_host = block.forward_at(x.clone(), &position);
            on_host.into_data().assert_approx_eq(&by_operations.into_data(), tolerance);
        }
    }
}
