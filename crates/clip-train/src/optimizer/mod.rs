//! Which optimizer moves which parameter, and how far.

mod config;
mod ema;
mod half;
mod layers;
mod lock;
mod norm;
mod scaled;

pub use config::*;
pub(crate) use ema::Ema;
pub use lock::{TowerConfig, TowersConfig};
pub(crate) use norm::{global_norm, parameter_norm, scale_gradients};
