use burn::module::Param;
use burn::nn::Linear;
use burn::tensor::quantization::{QuantScheme, QuantStore, QuantValue, ScaleDtype};
use burn::tensor::{DType, Tensor};

use crate::{Clip, ResidualAttentionBlock, is_cpu};

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
    /// to a scale for each 32 columns of a row: 9 bits in place of 32, for what
    /// `cargo xtask bench precision` measures of accuracy. All is computed in f32. Blocks that Burn's
    /// operations compute (with a layer scale, or masked) stay as they are.
    ///
    /// Saving such a model writes the rounded weights in f32.
    ///
    /// # Errors
    ///
    /// When the model is on another device, or not in f32.
    pub fn into_int8(mut self) -> Result<Self, Int8Error> {
        let dtype = self.visual.dtype();
        if !is_cpu(&self.logit_scale.val().device()) {
            return Err(Int8Error::Device);
        }
        if dtype != DType::F32 {
            return Err(Int8Error::DType(dtype));
        }
        self.blocks_on_host().for_each(round_block);
        Ok(self)
    }
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
        match columns.is_multiple_of(BLOCK) && weight.dtype() == DType::F32 {
            // Row by row, in whatever order the weight lay.
            true => Tensor::<2>::from_data(weight.to_data(), &weight.device())
                .quantize_dynamic(&scheme()),
            false => weight,
        }
    };
    let weight = layer.weight.val();
    layer.weight = Param::initialized(layer.weight.id, round(weight));
}

#[cfg(test)]
mod tests {
    use burn::tensor::{Device, Int, Tolerance};

    use super::*;
    use crate::ClipConfig;
    use crate::weights::{StateDict, load_model, save_safetensors};

    const MODEL: &str = r#"{
        "embed_dim": 32,
        "vision_cfg": {"image_size": 32, "layers": 2, "width": 64, "head_width": 32, "patch_size": 16},
        "text_cfg": {"context_length": 8, "vocab_size": 99, "width": 64, "heads": 2, "layers": 2}
    }"#;

    fn features(clip: &Clip) -> Tensor<2> {
        let device = Device::flex();
        // Not at random: other tests draw from the device at the same time.
        let pixels = Tensor::<1, Int>::arange(0..3 * 3 * 32 * 32, &device).float();
        let images = (pixels * 0.1).sin().reshape([3, 3, 32, 32]);
        let tokens = [[97, 4, 98, 0, 0, 0, 0, 0], [97, 4, 5, 6, 7, 8, 9, 98]];
        let tokens = Tensor::<2, Int>::from_data(tokens, &device);
        Tensor::cat(vec![clip.encode_image(images), clip.encode_text(tokens)], 0)
    }

    #[test]
    fn rounded_weights_give_nearly_the_same_and_are_saved() {
        let device = Device::flex();
        let config: ClipConfig = serde_json::from_str(MODEL).unwrap();
        let whole = config.init(&device, 3).unwrap();
        let right = features(&whole);
        let rounded = whole.into_int8().unwrap();
        let weight = rounded.text.transformer.resblocks[0].mlp.c_fc.weight.val();
        assert_eq!(weight.dtype(), DType::QFloat(scheme()));
        let output = features(&rounded);
        let apart = (output.clone() - right.clone()).square().sum().sqrt().into_scalar::<f32>();
        let length = right.square().sum().sqrt().into_scalar::<f32>();
        assert!(apart > 0.0 && apart < 0.02 * length, "{apart} of {length}");

        let again = features(&rounded.clone().into_int8().unwrap());
        assert_eq!(again.into_data(), output.clone().into_data());

        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("model.safetensors");
        save_safetensors(&rounded, &config, &file).unwrap();
        let load =
            |dtype| load_model(&config, &StateDict::open(&file).unwrap(), dtype, &device).unwrap();
        let tolerance = Tolerance::<f32>::relative(1e-4).set_absolute(1e-5);
        let loaded = features(&load(DType::F32)).into_data();
        loaded.assert_approx_eq(&output.into_data(), tolerance);
        assert!(matches!(load(DType::BF16).into_int8(), Err(Int8Error::DType(DType::BF16))));
    }
}
