//! Ctrl-C: the run ends at the next safe place.

use std::process;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context, Result};

/// What shells expect of a program that Ctrl-C ended.
pub const STATUS: u8 = 130;

/// Somebody asked the run to end.
#[derive(Debug, thiserror::Error)]
#[error("stopped; what is complete stays, all else was not written")]
pub struct Stopped;

/// Whether the run was asked to end.
#[derive(Clone, Default)]
pub struct Stop(Arc<AtomicBool>);

impl Stop {
    /// Listens to Ctrl-C and to requests to terminate. The first asks the run to end; the second,
    /// for a source that hangs, ends the program.
    pub fn listen() -> Result<Self> {
        let stop = Self::default();
        let asked = stop.0.clone();
        ctrlc::set_handler(move || {
            if asked.swap(true, Ordering::Relaxed) {
                process::exit(STATUS.into());
            }
        })
        .context("cannot listen to Ctrl-C")?;
        Ok(stop)
    }

    /// Asks the run to end.
    #[cfg(test)]
    pub fn ask(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether the run was asked to end.
    pub fn is_asked(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// An error once the run was asked to end.
    pub fn check(&self) -> Result<()> {
        if self.is_asked() { Err(Stopped.into()) } else { Ok(()) }
    }
}
