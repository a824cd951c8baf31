//! How far a tool has come, on standard error where that is a terminal.

use clip_data::ShardProgress;
use indicatif::{ProgressBar, ProgressStyle};

/// A bar that is drawn only on a terminal.
pub struct Bar(ProgressBar);

impl Bar {
    /// For work on a known number of shards.
    pub fn of_shards() -> Self {
        Self::new("{bar:30} {pos}/{len} shards, {msg} samples, {eta} left")
    }

    /// For work whose end isn't known.
    pub fn open_ended() -> Self {
        Self::new("{spinner} {pos} samples, {msg} passed over, {elapsed}")
    }

    fn new(template: &str) -> Self {
        let style = ProgressStyle::with_template(template);
        let style = style.unwrap_or_else(|_| ProgressStyle::default_bar());
        Self(ProgressBar::new(0).with_style(style))
    }

    /// Shows work on shards.
    pub fn shards(&self, progress: ShardProgress) {
        self.0.set_length(progress.of);
        self.show(progress.shards, progress.samples);
    }

    /// Shows a number done and another one in words.
    pub fn show(&self, done: u64, aside: u64) {
        // The text is made only where it is seen: this is called for every sample.
        if !self.0.is_hidden() {
            self.0.set_message(aside.to_string());
        }
        self.0.set_position(done);
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
