use indicatif::{ProgressBar, ProgressStyle};

use super::{View, summary};
use crate::report::StepMetrics;

/// One bar that stays in its line.
pub struct Bar(ProgressBar);

impl Bar {
    pub fn new(done: u64, steps: u64) -> Self {
        let bar = ProgressBar::new(steps).with_position(done);
        let template = "{wide_bar:.cyan/blue} step {pos}/{len}  {msg}  {eta} left";
        // A template that does not parse would leave indicatif's own, which shows less.
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        bar.reset_eta();
        Self(bar)
    }
}

impl View for Bar {
    fn step(&mut self, metrics: &StepMetrics) {
        self.0.set_message(summary(metrics));
        self.0.set_position(metrics.step);
    }

    fn note(&mut self, text: &str) {
        self.0.println(text);
    }

    fn close(self: Box<Self>) {
        self.0.abandon();
    }
}
