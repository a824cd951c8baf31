use std::time::{Duration, Instant};

use super::{View, summary};
use crate::report::StepMetrics;

/// Time between two lines.
const INTERVAL: Duration = Duration::from_secs(10);

/// A line now and then, for logs.
pub struct Lines {
    steps: u64,
    done_before: u64,
    started: Instant,
    last: Option<Instant>,
}

impl Lines {
    pub fn new(done: u64, steps: u64) -> Self {
        Self { steps, done_before: done, started: Instant::now(), last: None }
    }

    fn seconds_left(&self, step: u64) -> f64 {
        let done = step.saturating_sub(self.done_before).max(1);
        let left = self.steps.saturating_sub(step);
        self.started.elapsed().as_secs_f64() / done as f64 * left as f64
    }
}

impl View for Lines {
    fn step(&mut self, metrics: &StepMetrics) {
        let due = self.last.is_none_or(|last| last.elapsed() >= INTERVAL);
        if due || metrics.step == self.steps {
            self.last = Some(Instant::now());
            let left = self.seconds_left(metrics.step);
            println!(
                "step {}/{}  {}  {left:.0} s left",
                metrics.step,
                self.steps,
                summary(metrics)
            );
        }
    }

    fn note(&mut self, text: &str) {
        println!("{text}");
    }

    fn close(self: Box<Self>) {}
}
