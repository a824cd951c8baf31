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

mod clip;
mod config;
mod device;
mod error;
mod images;
mod init;
pub mod loss;
mod mode;
pub mod preprocess;
mod text;
mod tokenizer;
mod transformer;
pub mod vision;
pub mod weights;
mod zero_shot;

pub use clip::*;
pub use config::*;
pub use device::*;
pub use error::*;
pub use images::*;
pub use mode::*;
pub use text::*;
pub use tokenizer::*;
pub use transformer::*;
pub use zero_shot::*;
