//! The modified ResNet with running statistics on the CPU: convolutions as products of our own, over
//! pixels whose channels follow each other, normalised and added while they are in the cache.

mod convolution;
mod pixels;
mod winograd;

use std::ops::ControlFlow;

use burn::tensor::{DType, Tensor};

use self::convolution::{Convolution, KeptFilter, kept_filter};
use self::pixels::Pixels;
use super::{held, tensor, values};
use crate::device::is_cpu;
use crate::vision::{Bottleneck, Downsample, ModifiedResNet};
use crate::{Mode, Statistics};

/// Pixels of an image's side for one position.
const SHRINKING: usize = 32;
/// Images that go through the stem and the first two stages at a time, where a pixel's channels are
/// few but pixels many: what lies between takes little memory, however large the batch is.
const IMAGES: usize = 2;

/// What comes before the pooling, broken with; or the images to go on with, where there is a graph,
/// another device, or statistics of the batch. All is computed in f32, whatever formats the images
/// and the weights have.
///
/// # Shapes
///
/// - images: `[batch, 3, height, width]`
/// - output: `[batch, height / 32 * width / 32, channels]`
pub(crate) fn positions(
    resnet: &ModifiedResNet,
    images: Tensor<4>,
    mode: Mode,
) -> ControlFlow<Tensor<3>, Tensor<4>> {
    let running = mode.statistics() == Statistics::Running;
    let [batch, channels, height, width] = images.dims();
    let too_small = batch == 0 || height.min(width) < SHRINKING;
    let devices = [images.device(), resnet.conv1.weight.val().device()];
    let on_host = devices.iter().all(|device| is_cpu(device) && !device.is_autodiff());
    if !running || !on_host || too_small {
        return ControlFlow::Continue(images);
    }
    let dtype = images.dtype();
    let images = held(images.cast(DType::F32));
    let parts = values(&images).chunks(IMAGES * channels * height * width).map(|images| {
        let x = stem(resnet, images, [channels, height, width]);
        resnet.layer1.iter().chain(&resnet.layer2).fold(x, block)
    });
    let x = Pixels::joined(parts.collect());
    let x = resnet.layer3.iter().chain(&resnet.layer4).fold(x, block);
    let Pixels { values, shape: [batch, height, width, channels] } = x;
    ControlFlow::Break(tensor(values, [batch, height * width, channels]).cast(dtype))
}

fn stem(resnet: &ModifiedResNet, images: &[f32], [channels, height, width]: [usize; 3]) -> Pixels {
    let shape = [images.len() / (channels * height * width), channels, height, width];
    // Of so few channels that packing them costs nothing beside as many pixels.
    let packed = &None;
    let x = Convolution::new(&resnet.conv1, &resnet.bn1, packed).of_images(images, shape);
    let x = Convolution::new(&resnet.conv2, &resnet.bn2, packed).activated(&x);
    Convolution::new(&resnet.conv3, &resnet.bn3, packed).activated(&x).pooled(2)
}

/// The weights of a block's convolutions, packed once for all images, if they were.
#[derive(Clone, Debug, Default)]
pub(crate) struct PackedFilters {
    conv1: KeptFilter,
    conv2: KeptFilter,
    conv3: KeptFilter,
    downsample: KeptFilter,
}

impl PackedFilters {
    pub fn of(block: &Bottleneck) -> Self {
        Self {
            conv1: kept_filter(&block.conv1),
            conv2: kept_filter(&block.conv2),
            conv3: kept_filter(&block.conv3),
            downsample: block.downsample.as_ref().and_then(|branch| kept_filter(&branch.conv)),
        }
    }
}

fn block(x: Pixels, block: &Bottleneck) -> Pixels {
    let Bottleneck { conv1, bn1, conv2, bn2, conv3, bn3, downsample, packed, stride } = block;
    let out = Convolution::new(conv1, bn1, &packed.conv1).activated(&x);
    let out = Convolution::new(conv2, bn2, &packed.conv2).activated(&out).pooled(*stride);
    let x = match downsample {
        Some(Downsample { conv, bn }) => {
            Convolution::new(conv, bn, &packed.downsample).linear(&x.pooled(*stride))
        }
        None => x,
    };
    Convolution::new(conv3, bn3, &packed.conv3).activated_with(&out, &x)
}

#[cfg(test)]
mod tests {
    use burn::module::{Module, ModuleMapper, Param, RunningState};
    use burn::tensor::{Device, Distribution, Tolerance};

    use super::*;
    use crate::vision::VisionTower;
    use crate::{Activation, ClipConfig, VisionLayers};

    /// Normalisations that do something.
    struct Noise;

    impl ModuleMapper for Noise {
        fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
            match D {
                1 => param.map(|x| {
                    let spread = Distribution::Uniform(0.5, 1.5);
                    Tensor::random(x.dims(), spread, &x.device())
                }),
                _ => param,
            }
        }
    }

    struct Cast(DType);

    impl ModuleMapper for Cast {
        fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
            param.map(|x| x.cast(self.0))
        }
    }

    fn moved(state: &RunningState<Tensor<1>>) {
        let old = state.value();
        state.update(Tensor::random(old.dims(), Distribution::Uniform(0.5, 1.5), &old.device()));
        state.value_sync();
    }

    fn resnet(width: usize) -> ModifiedResNet {
        let mut config = ClipConfig::preset("RN50").unwrap().vision_cfg;
        (config.width, config.head_width) = (width, 32);
        config.layers = VisionLayers::Stages([1, 2, 1, 1]);
        let tower = VisionTower::new(&config, 8, Activation::Gelu, &Device::flex());
        let VisionTower::ModifiedResNet(resnet) = tower.map(&mut Noise) else { unreachable!() };
        let norms = resnet.blocks().flat_map(|block| {
            let downsample = block.downsample.as_ref().map(|branch| &branch.bn);
            [Some(&block.bn1), Some(&block.bn2), Some(&block.bn3), downsample]
        });
        let stem = [&resnet.bn1, &resnet.bn2, &resnet.bn3].map(Some);
        for norm in norms.chain(stem).flatten() {
            moved(&norm.running_mean);
            moved(&norm.running_var);
        }
        resnet
    }

    fn images(shape: [usize; 4]) -> Tensor<4> {
        Tensor::random(shape, Distribution::Normal(0.0, 1.0), &Device::flex())
    }

    fn by_operations(resnet: &ModifiedResNet, images: Tensor<4>) -> Tensor<3> {
        let stem = resnet.stem(images, Mode::Evaluation);
        let x = resnet.blocks().fold(stem, |x, block| block.forward(x, Mode::Evaluation));
        let [batch, channels, height, width] = x.dims();
        x.reshape([batch, channels, height * width]).swap_dims(1, 2)
    }

    /// Channels that are multiples of eight and not; products by rows and by columns; odd sizes.
    #[test]
    fn positions_are_those_of_burns_operations() {
        Device::flex().seed(3);
        for (width, shape) in
            [(16, [2, 3, 96, 64]), (12, [1, 3, 64, 64]), (16, [3, 3, 101, 70]), (8, [1, 3, 32, 33])]
        {
            let (resnet, images) = (resnet(width), images(shape));
            let right = by_operations(&resnet, images.clone()).into_data();
            // The number of cores decides whether a task takes rows or columns.
            for cores in [1, 16] {
                let pool = rayon::ThreadPoolBuilder::new().num_threads(cores).build().unwrap();
                let output = pool.install(|| positions(&resnet, images.clone(), Mode::Evaluation));
                println!("{width} {shape:?} {cores}");
                let output = output.break_value().unwrap().into_data();
                output.assert_approx_eq(&right, Tolerance::<f32>::rel_abs(1e-4, 1e-4));
            }
        }
    }

    #[test]
    fn weights_in_16_bits_are_computed_with_in_f32() {
        Device::flex().seed(3);
        let (resnet, images) = (resnet(16), images([1, 3, 64, 64]));
        let rounded = resnet.map(&mut Cast(DType::BF16));
        let widened = rounded.clone().map(&mut Cast(DType::F32));
        let right = by_operations(&widened, images.clone()).into_data();
        let output = positions(&rounded, images, Mode::Evaluation).break_value().unwrap();
        output.into_data().assert_approx_eq(&right, Tolerance::<f32>::rel_abs(1e-4, 1e-4));
    }

    #[test]
    fn what_is_not_for_the_host_goes_on() {
        let resnet = resnet(8);
        let training = Mode::Training { statistics: Statistics::Batch, seed: 0 };
        let frozen = Mode::Training { statistics: Statistics::Running, seed: 0 };
        let small = images([1, 3, 31, 40]);
        assert!(positions(&resnet, small, Mode::Evaluation).is_continue());
        let images = images([1, 3, 32, 32]);
        assert!(positions(&resnet, images.clone(), training).is_continue());
        assert!(positions(&resnet, images.clone(), frozen).is_break());
        let traced = images.clone().autodiff();
        assert!(positions(&resnet, traced, Mode::Evaluation).is_continue());
        let broken = images * f32::NAN;
        let output = positions(&resnet, broken, Mode::Evaluation).break_value().unwrap();
        assert!(output.is_nan().all().into_scalar::<bool>());
    }
}
