//! Which optimizer moves which parameter, and how far.

mod adamw;
mod config;
mod ema;
mod in_one_pass;
mod layers;
mod lock;
mod norm;
mod scaled;

pub use config::*;
pub(crate) use ema::Ema;
pub use lock::{TowerConfig, TowersConfig};
pub(crate) use norm::{global_norm, parameter_norm, scale_gradients};
