//! CLIP's model: configuration, image and text towers, contrastive head, losses, tokenizer,
//! preprocessing and weights, on any Burn device.
//!
//! ```no_run
//! use clip_model::{ClipConfig, Tokenizer};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let device = clip_model::device("cpu")?;
//! let config = ClipConfig::preset("ViT-B-32")?;
//! let clip = config.init(&device, 0)?;
//! let tokenizer = Tokenizer::for_text(&config.text_cfg)?;
//! let tokens = tokenizer.encode_to_tensor(&["a diagram", "a dog"], &device);
//! let text_features = clip.encode_text(tokens); // [2, 512], not normalised
//! # Ok(())
//! # }
//! ```
//!
//! # Features
//!
//! No backend is on by default: the binary chooses among `flex` (pure-Rust CPU), `cuda`, `wgpu`,
//! `vulkan` and `metal`.

#![recursion_limit = "256"]

mod activation;
mod clip;
mod config;
mod device;
mod error;
#[cfg(feature = "flex")]
mod host;
#[cfg(feature = "hub")]
pub mod hub;
#[cfg(feature = "preprocess")]
mod images;
mod init;
#[cfg(feature = "flex")]
mod int8;
pub mod loss;
mod mode;
mod norm;
mod predictive;
#[cfg(feature = "flex")]
mod prepacked;
#[cfg(feature = "preprocess")]
pub mod preprocess;
#[cfg(all(feature = "tokenizer-file", feature = "preprocess"))]
mod pretrained;
mod text;
#[cfg(feature = "tokenizer")]
mod tokenizer;
mod transformer;
pub mod vision;
pub mod weights;
#[cfg(feature = "tokenizer")]
mod zero_shot;

pub use activation::*;
pub use clip::*;
pub use config::*;
pub use device::*;
pub use error::*;
#[cfg(feature = "preprocess")]
pub use images::*;
#[cfg(feature = "flex")]
pub use int8::Int8Error;
pub use mode::*;
pub use predictive::bags_of_words;
#[cfg(all(feature = "tokenizer-file", feature = "preprocess"))]
pub use pretrained::*;
pub use text::*;
#[cfg(feature = "tokenizer")]
pub use tokenizer::*;
pub use transformer::*;
#[cfg(feature = "tokenizer")]
pub use zero_shot::*;
