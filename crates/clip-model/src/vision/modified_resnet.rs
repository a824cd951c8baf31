#[cfg(feature = "flex")]
use std::ops::ControlFlow;

use burn::module::Module;
use burn::nn::PaddingConfig2d;
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::nn::pool::{AvgPool2d, AvgPool2dConfig};
use burn::tensor::activation::relu;
use burn::tensor::{Device, Tensor};

use super::{AttentionPool2d, BatchNorm};
#[cfg(feature = "flex")]
use crate::host::{PackedFilters, positions};
use crate::transformer::on_cores;
use crate::{Mode, VisionConfig};

/// A stage's output has four times the channels of its 3x3 convolutions.
const EXPANSION: usize = 4;

/// The paper's ResNet (section 2.4): a stem of three convolutions with average pooling,
/// anti-aliased strided blocks and attention pooling.
///
/// Field names follow open_clip's state dict.
#[derive(Module, Debug)]
pub struct ModifiedResNet {
    /// First convolution of the stem, stride 2.
    pub conv1: Conv2d,
    /// Its normalisation.
    pub bn1: BatchNorm,
    /// Second convolution of the stem.
    pub conv2: Conv2d,
    /// Its normalisation.
    pub bn2: BatchNorm,
    /// Third convolution of the stem.
    pub conv3: Conv2d,
    /// Its normalisation.
    pub bn3: BatchNorm,
    /// First stage.
    pub layer1: Vec<Bottleneck>,
    /// Second stage, stride 2.
    pub layer2: Vec<Bottleneck>,
    /// Third stage, stride 2.
    pub layer3: Vec<Bottleneck>,
    /// Fourth stage, stride 2.
    pub layer4: Vec<Bottleneck>,
    /// Pools positions into the feature.
    pub attnpool: AttentionPool2d,
}

impl ModifiedResNet {
    pub(super) fn new(
        config: &VisionConfig,
        stages: [usize; 4],
        embed_dim: usize,
        device: &Device,
    ) -> Self {
        let width = config.width;
        let stage = |index: usize, stride: usize| {
            let planes = width << index;
            let input = if index == 0 { width } else { planes * EXPANSION / 2 };
            Bottleneck::stage(input, planes, stages[index], stride, device)
        };
        let attnpool = AttentionPool2d::new(
            config.image_size / 32,
            width * 32,
            config.heads(),
            embed_dim,
            device,
        );
        Self {
            conv1: conv3x3(3, width / 2, 2, device),
            bn1: BatchNorm::new(width / 2, device),
            conv2: conv3x3(width / 2, width / 2, 1, device),
            bn2: BatchNorm::new(width / 2, device),
            conv3: conv3x3(width / 2, width, 1, device),
            bn3: BatchNorm::new(width, device),
            layer1: stage(0, 1),
            layer2: stage(1, 2),
            layer3: stage(2, 2),
            layer4: stage(3, 2),
            attnpool,
        }
    }

    /// Image features, not normalised.
    ///
    /// # Shapes
    ///
    /// - images: `[batch, 3, height, width]`
    /// - output: `[batch, embed]`
    pub fn forward(&self, images: Tensor<4>, mode: Mode) -> Tensor<2> {
        on_cores(&images.device(), || self.forward_on_cores(images, mode))
    }

    fn forward_on_cores(&self, images: Tensor<4>, mode: Mode) -> Tensor<2> {
        #[cfg(feature = "flex")]
        let images = match positions(self, images, mode) {
            ControlFlow::Break(positions) => {
                return self.attnpool.forward_positions(positions, mode);
            }
            ControlFlow::Continue(images) => images,
        };
        let x = self.stem(images, mode);
        self.attnpool.forward(self.blocks().fold(x, |x, block| block.forward(x, mode)), mode)
    }

    /// What comes before the blocks: `[batch, 3, height, width]` to
    /// `[batch, width, height / 4, width / 4]`.
    pub fn stem(&self, images: Tensor<4>, mode: Mode) -> Tensor<4> {
        let x = relu(self.bn1.forward(self.conv1.forward(images), mode));
        let x = relu(self.bn2.forward(self.conv2.forward(x), mode));
        let x = relu(self.bn3.forward(self.conv3.forward(x), mode));
        average_pool(2).forward(x)
    }

    /// The blocks of all stages, first to last.
    pub fn blocks(&self) -> impl Iterator<Item = &Bottleneck> {
        [&self.layer1, &self.layer2, &self.layer3, &self.layer4].into_iter().flatten()
    }

    #[cfg(feature = "flex")]
    pub(crate) fn blocks_mut(&mut self) -> impl Iterator<Item = &mut Bottleneck> {
        let Self { layer1, layer2, layer3, layer4, .. } = self;
        [layer1, layer2, layer3, layer4].into_iter().flatten()
    }
}

/// A bottleneck block whose stride is an average pooling, so that nothing aliases.
#[derive(Module, Debug)]
pub struct Bottleneck {
    /// Narrows, 1x1.
    pub conv1: Conv2d,
    /// Its normalisation.
    pub bn1: BatchNorm,
    /// Mixes neighbours, 3x3, always stride 1.
    pub conv2: Conv2d,
    /// Its normalisation.
    pub bn2: BatchNorm,
    /// Widens, 1x1.
    pub conv3: Conv2d,
    /// Its normalisation.
    pub bn3: BatchNorm,
    /// Fits the identity branch to the output where stride or channels differ.
    pub downsample: Option<Downsample>,
    pub(crate) stride: usize,
    #[cfg(feature = "flex")]
    #[module(skip)]
    pub(crate) packed: PackedFilters,
}

/// The identity branch of a block that changes the shape.
#[derive(Module, Debug)]
pub struct Downsample {
    /// 1x1, after the pooling.
    pub conv: Conv2d,
    /// Its normalisation.
    pub bn: BatchNorm,
}

impl Bottleneck {
    fn stage(
        input: usize,
        planes: usize,
        blocks: usize,
        stride: usize,
        device: &Device,
    ) -> Vec<Self> {
        let output = planes * EXPANSION;
        let first = Self::new(input, planes, stride, device);
        let rest = (1..blocks).map(|_| Self::new(output, planes, 1, device));
        std::iter::once(first).chain(rest).collect()
    }

    fn new(input: usize, planes: usize, stride: usize, device: &Device) -> Self {
        let output = planes * EXPANSION;
        let downsample = (stride > 1 || input != output).then(|| Downsample {
            conv: conv1x1(input, output, device),
            bn: BatchNorm::new(output, device),
        });
        Self {
            conv1: conv1x1(input, planes, device),
            bn1: BatchNorm::new(planes, device),
            conv2: conv3x3(planes, planes, 1, device),
            bn2: BatchNorm::new(planes, device),
            conv3: conv1x1(planes, output, device),
            bn3: BatchNorm::new(output, device),
            downsample,
            stride,
            #[cfg(feature = "flex")]
            packed: PackedFilters::default(),
        }
    }

    /// # Shapes
    ///
    /// - input: `[batch, channels, height, width]`
    /// - output: `[batch, 4 * planes, height / stride, width / stride]`
    pub fn forward(&self, x: Tensor<4>, mode: Mode) -> Tensor<4> {
        let out = relu(self.bn1.forward(self.conv1.forward(x.clone()), mode));
        let out = relu(self.bn2.forward(self.conv2.forward(out), mode));
        let out = self.bn3.forward(self.conv3.forward(self.pool(out)), mode);
        let identity = match &self.downsample {
            Some(branch) => branch.bn.forward(branch.conv.forward(self.pool(x)), mode),
            None => x,
        };
        relu(out + identity)
    }

    fn pool(&self, x: Tensor<4>) -> Tensor<4> {
        match self.stride {
            1 => x,
            stride => average_pool(stride).forward(x),
        }
    }
}

fn conv1x1(input: usize, output: usize, device: &Device) -> Conv2d {
    Conv2dConfig::new([input, output], [1, 1]).with_bias(false).init(device)
}

fn conv3x3(input: usize, output: usize, stride: usize, device: &Device) -> Conv2d {
    Conv2dConfig::new([input, output], [3, 3])
        .with_stride([stride, stride])
        .with_padding(PaddingConfig2d::Explicit(1, 1, 1, 1))
        .with_bias(false)
        .init(device)
}

fn average_pool(side: usize) -> AvgPool2d {
    AvgPool2dConfig::new([side, side]).with_strides([side, side]).init()
}
