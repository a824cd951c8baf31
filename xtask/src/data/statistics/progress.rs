//! How far the reading is, and whether to go on.

use std::ops::ControlFlow;
use std::process;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use anyhow::{Context, Result};
use clip_data::Seen;
use indicatif::{ProgressBar, ProgressStyle};
use thiserror::Error;

use super::text::count;

/// What shells expect of a program that Ctrl-C ended.
const INTERRUPTED: i32 = 130;

/// The samples between two updates of the bar.
const UPDATE: u64 = 256;

/// Ctrl-C was pressed.
#[derive(Debug, Error)]
#[error("interrupted: nothing was written")]
pub struct Interrupted;

/// A bar on a terminal's standard error, and an ear for Ctrl-C.
pub struct Watch {
    bar: ProgressBar,
    samples: AtomicU64,
    stop: Arc<AtomicBool>,
}

impl Watch {
    /// Starts the bar of so many parts. The first Ctrl-C asks the reading to stop; the second, for
    /// a source that hangs, ends the program.
    pub fn start(parts: u64) -> Result<Self> {
        let stop = Arc::new(AtomicBool::new(false));
        let asked = stop.clone();
        ctrlc::set_handler(move || {
            if asked.swap(true, Ordering::Relaxed) {
                process::exit(INTERRUPTED);
            }
        })
        .context("cannot listen for Ctrl-C")?;
        let style = "{bar:30} {pos}/{len} parts, {msg} samples, {elapsed}";
        let bar = ProgressBar::new(parts).with_style(ProgressStyle::with_template(style)?);
        Ok(Self { bar, samples: AtomicU64::new(0), stop })
    }

    /// Notes what was read, and says whether to go on.
    pub fn saw(&self, seen: Seen) -> ControlFlow<()> {
        match seen {
            Seen::Part => self.bar.inc(1),
            Seen::Sample => {
                let samples = self.samples.fetch_add(1, Ordering::Relaxed) + 1;
                if samples.is_multiple_of(UPDATE) {
                    self.bar.set_message(count(samples));
                }
            }
        }
        match self.stop.load(Ordering::Relaxed) {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        }
    }

    /// Removes the bar.
    pub fn finish(&self) {
        self.bar.finish_and_clear();
    }
}
