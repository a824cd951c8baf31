//! Weights in and out, under open_clip's names.

mod keys;
mod safetensors;

pub use keys::{ReferenceKey, reference_key};
pub use safetensors::{load_safetensors, save_safetensors};
