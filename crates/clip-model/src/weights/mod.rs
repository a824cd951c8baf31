//! Weights in and out.
//!
//! ```text
//! OpenAI's TorchScript ┐             ┌ open_clip names ┐
//! torch.save           ├ StateDict ──┤ CLIPModel names ├── pieces ── layout ── Clip
//! safetensors, sharded ┘             └ SiglipModel's   ┘
//! ```

mod element;
mod hugging_face;
mod index;
mod infer;
mod keys;
mod load;
mod mapped;
mod naming;
mod positions;
mod safetensors_file;
mod save;
mod state_dict;
mod torch;

pub use element::Element;
pub use keys::{Layout, ReferenceKey, reference_key};
pub use state_dict::{Format, StateDict, StoredTensor};

pub(crate) use hugging_face::{export_config, import_config};
#[cfg(all(feature = "tokenizer-file", feature = "preprocess"))]
pub(crate) use save::atomically;

use std::path::Path;

use burn::tensor::{DType, Device};

use crate::{Clip, ClipConfig, VisionPool, WeightsError};
use naming::Naming;

/// Builds a model on `device` and fills it from an opened file, with parameters of `dtype` (f32,
/// f16 or bf16).
///
/// # Errors
///
/// When the file cannot be read or is damaged, or lacks, adds or mis-shapes a tensor; every such
/// tensor is listed. [`WeightsError::Activation`] when the file is one of OpenAI's archives and the
/// configuration has no QuickGELU.
pub fn load_model(
    config: &ClipConfig,
    weights: &StateDict,
    dtype: DType,
    device: &Device,
) -> Result<Clip, WeightsError> {
    config.validate()?;
    if weights.format() == Format::TorchScript && !config.quick_gelu {
        return Err(WeightsError::Activation { path: weights.path().into() });
    }
    let floats = [DType::F32, DType::F16, DType::BF16];
    if !floats.contains(&dtype) {
        return Err(WeightsError::DType { dtype });
    }
    load::fill(config.build(device), weights, dtype)
}

/// The configuration of a checkpoint that comes without one, from its names and shapes.
///
/// They don't say which GELU the model was trained with. OpenAI's archives have QuickGELU; for
/// other files `quick_gelu` must say it (SigLIP's apart).
///
/// # Errors
///
/// [`WeightsError::NoConfig`] when no shipped configuration fits, several do, or the activation
/// isn't known.
pub fn infer_config(
    weights: &StateDict,
    quick_gelu: Option<bool>,
    device: &Device,
) -> Result<ClipConfig, WeightsError> {
    infer::infer(weights, quick_gelu, device)
}

/// Saves a model as a safetensors file with open_clip's names, in the model's own dtype. The file
/// appears whole or not at all.
///
/// # Errors
///
/// When the file cannot be written.
pub fn save_safetensors(
    model: &Clip,
    config: &ClipConfig,
    path: &Path,
) -> Result<(), WeightsError> {
    let ClipConfig { custom_text, nonscalar_logit_scale: nonscalar, .. } = *config;
    save::write(model, save::Style { naming: Naming::OpenClip, custom_text, nonscalar }, path)
}

/// Saves a model as transformers' `model.safetensors`, in the model's own dtype. The file appears
/// whole or not at all.
///
/// # Errors
///
/// When transformers has no such model, or the file cannot be written.
pub fn save_hugging_face(
    model: &Clip,
    config: &ClipConfig,
    path: &Path,
) -> Result<(), WeightsError> {
    config.to_hugging_face()?;
    let siglip = config.vision_cfg.pool_type == VisionPool::Map;
    let naming = if siglip { Naming::HuggingFaceSiglip } else { Naming::HuggingFaceClip };
    save::write(model, save::Style { naming, custom_text: false, nonscalar: siglip }, path)
}
