//! The image towers: a Vision Transformer, the paper's modified ResNet and SigLIP's ViT.

mod attention_pool;
mod attentional_pooler;
mod batch_norm;
mod modified_resnet;
mod patches;
mod siglip;
mod vit;

pub use attention_pool::*;
pub use attentional_pooler::*;
pub use batch_norm::*;
pub use modified_resnet::*;
pub use patches::PatchEmbedding;
pub use siglip::*;
pub use vit::VisionTransformer;

#[cfg(feature = "flex")]
use std::ops::ControlFlow;

use burn::module::Module;
use burn::tensor::{DType, Device, Tensor, module};

use crate::{Activation, Mode, VisionConfig, VisionLayers, VisionPool};

/// The image tower of a model.
#[allow(clippy::large_enum_variant, reason = "a model has one; Burn's modules take no box")]
#[derive(Module, Debug)]
pub enum VisionTower {
    /// A Vision Transformer.
    Vit(VisionTransformer),
    /// The paper's modified ResNet.
    ModifiedResNet(ModifiedResNet),
    /// SigLIP's Vision Transformer.
    Siglip(SiglipVisionTransformer),
}

impl VisionTower {
    /// Builds the tower that `config` describes.
    pub fn new(
        config: &VisionConfig,
        embed_dim: usize,
        activation: Activation,
        device: &Device,
    ) -> Self {
        // Validated configurations of a ViT have a patch size; one patch is the whole image.
        let patch = config.patch_size.unwrap_or(config.image_size);
        match (&config.layers, config.pool_type) {
            (VisionLayers::Stages(stages), _) => {
                Self::ModifiedResNet(ModifiedResNet::new(config, *stages, embed_dim, device))
            }
            (VisionLayers::Transformer(layers), VisionPool::Map) => Self::Siglip(
                SiglipVisionTransformer::new(config, *layers, patch, activation, device),
            ),
            (VisionLayers::Transformer(layers), _) => Self::Vit(VisionTransformer::new(
                config, *layers, patch, embed_dim, activation, device,
            )),
        }
    }

    /// The dtype that the tower computes in, that of its parameters.
    pub fn dtype(&self) -> DType {
        match self {
            Self::Vit(vit) => vit.class_embedding.val().dtype(),
            Self::ModifiedResNet(resnet) => resnet.conv1.weight.val().dtype(),
            Self::Siglip(vit) => vit.pos_embed.val().dtype(),
        }
    }

    /// Image features in the tower's own dtype, not normalised.
    ///
    /// # Shapes
    ///
    /// - images: `[batch, 3, height, width]`, normalised by the preprocessing's mean and deviation
    /// - output: `[batch, embed]`
    pub fn forward(&self, images: Tensor<4>, mode: Mode) -> Tensor<2> {
        let images = images.cast(self.dtype());
        match self {
            Self::Vit(vit) => vit.forward(images, mode),
            Self::ModifiedResNet(resnet) => resnet.forward(images, mode),
            Self::Siglip(vit) => vit.forward_with_tokens(images, mode).0,
        }
    }
}

/// A linear layer, on the CPU by a product of our own.
///
/// # Shapes
///
/// - input: `[batch, sequence, in]`
/// - weight: `[in, out]`
/// - bias: `[out]`
/// - output: `[batch, sequence, out]`
fn linear(x: Tensor<3>, weight: Tensor<2>, bias: Option<Tensor<1>>) -> Tensor<3> {
    #[cfg(feature = "flex")]
    let x = match crate::host::linear(x, &weight, bias.clone()) {
        ControlFlow::Break(output) => return output,
        ControlFlow::Continue(x) => x,
    };
    module::linear(x, weight, bias)
}
