use burn::module::Param;
use burn::nn::Linear;
use burn::tensor::quantization::{QuantScheme, QuantStore, QuantValue, ScaleDtype};
use burn::tensor::{DType, Tensor};

use crate::vision::VisionTower;
use crate::{Clip, ResidualAttentionBlock, Transformer, is_cpu};

/// Columns of a row that have a scale together.
pub(crate) const BLOCK: usize = 32;

/// Symmetric, from -127 to 127, a scale in f32 for each [`BLOCK`].
pub(crate) fn scheme() -> QuantScheme {
    QuantScheme::default()
        .with_value(QuantValue::Q8S)
        .with_store(QuantStore::Native)
        .per_block([BLOCK as u8], ScaleDtype::F32)
}

/// Why a model's weights can't be in int8.
#[derive(Debug, thiserror::Error)]
pub enum Int8Error {
    /// Other devices have no operations for it here.
    #[error("weights in int8 are for the CPU alone; elsewhere take bf16 or f16")]
    Device,
    /// The parameters are not in f32.
    #[error("weights in int8 are made of those in f32; the model has them in {0:?}")]
    DType(DType),
}

impl Clip {
    /// The model for inference on the CPU with the weights of its transformer blocks in int8, rounded
    /// to a scale for each 32 columns of a row: a quarter of the memory, for what
    /// `cargo xtask bench precision` measures of accuracy. All is computed in f32. Blocks that Burn's
    /// operations compute (with a layer scale, or masked) stay as they are.
    ///
    /// Saving such a model writes the rounded weights in f32.
    ///
    /// # Errors
    ///
    /// When the model is on another device, or not in f32.
    pub fn into_int8(self) -> Result<Self, Int8Error> {
        let dtype = self.visual.dtype();
        if !is_cpu(&self.logit_scale.val().device()) {
            return Err(Int8Error::Device);
        }
        if dtype != DType::F32 {
            return Err(Int8Error::DType(dtype));
        }
        let Self { mut visual, mut text, logit_scale, logit_bias } = self;
        match &mut visual {
            VisionTower::Vit(vit) => round(&mut vit.transformer),
            VisionTower::Siglip(vit) => round(&mut vit.blocks),
            VisionTower::ModifiedResNet(_) => {}
        }
        // A class token comes with a mask.
        if text.cls_emb.is_none() {
            round(&mut text.transformer);
        }
        Ok(Self { visual, text, logit_scale, logit_bias })
    }
}

fn round(transformer: &mut Transformer) {
    transformer.resblocks.iter_mut().filter(|block| block.is_on_host()).for_each(round_block);
}

pub(crate) fn round_block(block: &mut ResidualAttentionBlock) {
    let (attn, mlp) = (&mut block.attn, &mut block.mlp);
    for layer in [&mut attn.in_proj, &mut attn.out_proj, &mut mlp.c_fc, &mut mlp.c_proj] {
        round_layer(layer);
    }
}

fn round_layer(layer: &mut Linear) {
    let round = |weight: Tensor<2>| {
        let [_, columns] = weight.dims();
        match columns.is_multiple_of(BLOCK) {
            true => weight.quantize_dynamic(&scheme()),
            false => weight,
        }
    };
    let weight = layer.weight.val();
    layer.weight = Param::initialized(layer.weight.id, round(weight));
}
