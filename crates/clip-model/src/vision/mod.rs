//! The image towers: a Vision Transformer and the paper's modified ResNet.

mod attention_pool;
mod batch_norm;
mod modified_resnet;
mod vit;

pub use attention_pool::*;
pub use batch_norm::*;
pub use modified_resnet::*;
pub use vit::*;

use burn::module::Module;
use burn::tensor::{Device, Tensor};

use crate::{Activation, Mode, VisionConfig, VisionLayers};

/// The image tower of a model.
// A model has one tower, so nothing is gained by a box, which Burn's modules do not take.
#[allow(clippy::large_enum_variant)]
#[derive(Module, Debug)]
pub enum VisionTower {
    /// A Vision Transformer.
    Vit(VisionTransformer),
    /// The paper's modified ResNet.
    ModifiedResNet(ModifiedResNet),
}

impl VisionTower {
    /// Builds the tower that `config` describes.
    pub fn new(
        config: &VisionConfig,
        embed_dim: usize,
        activation: Activation,
        device: &Device,
    ) -> Self {
        match (&config.layers, config.patch_size) {
            (VisionLayers::Stages(stages), _) => {
                Self::ModifiedResNet(ModifiedResNet::new(config, *stages, embed_dim, device))
            }
            (VisionLayers::Transformer(layers), patch) => {
                // Validated configurations have a patch size; one patch is the whole image.
                let patch = patch.unwrap_or(config.image_size);
                Self::Vit(VisionTransformer::new(
                    config, *layers, patch, embed_dim, activation, device,
                ))
            }
        }
    }

    /// Image features, not normalised.
    ///
    /// # Shapes
    ///
    /// - images: `[batch, 3, height, width]`, normalised by the preprocessing's mean and deviation
    /// - output: `[batch, embed]`
    pub fn forward(&self, images: Tensor<4>, mode: Mode) -> Tensor<2> {
        match self {
            Self::Vit(vit) => vit.forward(images),
            Self::ModifiedResNet(resnet) => resnet.forward(images, mode),
        }
    }
}
