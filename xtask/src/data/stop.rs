//! Ctrl-C: the run ends at the next safe place.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context, Result};

/// Somebody asked the run to end.
#[derive(Debug, thiserror::Error)]
#[error("stopped; the shards that are complete stay")]
pub struct Stopped;

/// Whether the run was asked to end.
#[derive(Clone, Default)]
pub struct Stop(Arc<AtomicBool>);

impl Stop {
    /// Listens to Ctrl-C and to requests to terminate.
    pub fn listen() -> Result<Self> {
        let stop = Self::default();
        let asked = stop.0.clone();
        ctrlc::set_handler(move || asked.store(true, Ordering::Relaxed))
            .context("cannot listen to Ctrl-C")?;
        Ok(stop)
    }

    /// Asks the run to end.
    #[cfg(test)]
    pub fn ask(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// An error once the run was asked to end.
    pub fn check(&self) -> Result<()> {
        if self.0.load(Ordering::Relaxed) { Err(Stopped.into()) } else { Ok(()) }
    }
}
