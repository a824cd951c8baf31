//! transformers' `CLIPModel` and `SiglipModel`: names of tensors and configuration.

mod config;
mod keys;

pub(crate) use config::{export_config, import_config};
pub(crate) use keys::{clip_pieces, siglip_pieces};
