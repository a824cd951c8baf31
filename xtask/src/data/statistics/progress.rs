//! How far the reading is, and whether to go on.

use std::ops::ControlFlow;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::Result;
use clip_data::Seen;
use indicatif::{ProgressBar, ProgressStyle};

use super::text::count;
use crate::data::stop::Stop;

/// The samples between two updates of the bar.
const UPDATE: u64 = 256;

/// A bar on a terminal's standard error, and an ear for Ctrl-C.
pub struct Watch {
    bar: ProgressBar,
    samples: AtomicU64,
    stop: Stop,
}

impl Watch {
    /// Starts the bar of so many parts.
    pub fn start(parts: u64) -> Result<Self> {
        let style = "{bar:30} {pos}/{len} parts, {msg} samples, {elapsed}";
        let bar = ProgressBar::new(parts).with_style(ProgressStyle::with_template(style)?);
        Ok(Self { bar, samples: AtomicU64::new(0), stop: Stop::listen()? })
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
        match self.stop.is_asked() {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        }
    }

    /// Removes the bar.
    pub fn finish(&self) {
        self.bar.finish_and_clear();
    }
}
