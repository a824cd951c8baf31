//! Whole models beside open_clip in PyTorch and ONNX Runtime: encoding, training, the first
//! embedding.

#[cfg(feature = "candle")]
mod candle;
mod encode;
mod input;
mod precision;
mod startup;
mod train;

#[cfg(feature = "candle")]
pub use candle::{CASES as BESIDE_CANDLE, measure as beside_candle};
pub use encode::{CASES as ENCODING, measure as encode};
pub use precision::measure as precision;
pub use startup::measure as startup;
pub use train::{MEMORY as TRAINING_MEMORY, SPEED as TRAINING, memory, speed as train};

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};
use burn::tensor::{DType, Device, Distribution, Tensor};
use clip_model::preprocess::ImageTransform;
use clip_model::{Clip, ClipConfig, Pretrained};

use crate::measure::rate;
use crate::peer::Peer;

/// Encodes and trains with the peers.
pub const SCRIPT: &str = "xtask/bench/peers/models.py";

/// Where models run, and what in.
#[derive(Clone, Copy)]
pub struct Place<'a> {
    /// Folder of the models.
    pub folder: &'a Path,
    /// As [`clip_model::device`] has it.
    pub device: &'a str,
    /// `f32` or `bf16`.
    pub precision: &'a str,
}

impl Place<'_> {
    /// Peers for the same models on the same device.
    pub fn peer(&self, python: &Path) -> Result<Peer> {
        Peer::start_with(python, SCRIPT, self.folder, &[self.device, self.precision])
    }

    fn device(&self) -> Result<Device> {
        Ok(clip_model::device(self.device)?)
    }

    /// The model's folder, with weights from the paper's initialisation if it isn't there yet.
    pub fn write(&self, name: &str) -> Result<PathBuf> {
        let folder = self.folder.join(name);
        if !folder.join("open_clip_config.json").exists() {
            let config = ClipConfig::preset(name)?;
            let transform = ImageTransform::openai(config.vision_cfg.image_size);
            let model = config.init(&Device::flex(), 0)?;
            let context = || format!("cannot write {}", folder.display());
            Pretrained::new(model, config, transform)?
                .save_open_clip(&folder)
                .with_context(context)?;
        }
        Ok(folder)
    }

    /// Operations a second of a large matrix product by Burn.
    pub fn product_rate(&self, length: Duration) -> Result<f64> {
        let device = self.device()?;
        let side: usize = if self.device == "cpu" { 2048 } else { 8192 };
        let dtype = if self.precision == "bf16" { DType::BF16 } else { DType::F32 };
        let noise = Distribution::Normal(0.0, 1.0);
        let matrix = Tensor::<2>::random([side, side], noise, &device).cast(dtype);
        rate(length, || {
            let product = matrix.clone().matmul(matrix.clone());
            product.slice([0..1, 0..1]).into_data();
            Ok(2 * side.pow(3))
        })
    }

    fn load(&self, name: &str) -> Result<Pretrained> {
        let folder = self.write(name)?;
        Ok(Clip::from_pretrained(&folder.to_string_lossy(), &self.device()?)?)
    }
}
