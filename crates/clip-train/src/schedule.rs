use std::f64::consts::PI;

/// Linear warm-up, then a cosine down to zero (paper, section 2.5; open_clip's `cosine_lr`).
///
/// A function of the step alone, so that there is nothing to save.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct WarmupCosine {
    /// Learning rate at the top.
    pub peak: f64,
    /// Steps of the rise.
    pub warmup: u64,
    /// Steps of the whole run.
    pub steps: u64,
}

impl WarmupCosine {
    /// The learning rate of a step, counted from 0.
    pub fn at(&self, step: u64) -> f64 {
        if step < self.warmup {
            return self.peak * (step + 1) as f64 / self.warmup as f64;
        }
        let done = (step - self.warmup) as f64 / (self.steps - self.warmup).max(1) as f64;
        0.5 * (1.0 + (PI * done).cos()) * self.peak
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Values of open_clip 3.3.0's `cosine_lr` for base 1e-3, warm-up 4, 20 steps.
    #[test]
    fn steps_equal_those_of_open_clip() {
        let schedule = WarmupCosine { peak: 1e-3, warmup: 4, steps: 20 };
        let expected =
            [(0, 2.5e-4), (3, 1e-3), (4, 1e-3), (12, 5e-4), (19, 9.607_359_798_384_785e-6)];
        for (step, rate) in expected {
            assert!((schedule.at(step) - rate).abs() < 1e-15, "step {step}: {}", schedule.at(step));
        }
    }

    #[test]
    fn a_run_without_warm_up_starts_at_the_top() {
        assert_eq!(WarmupCosine { peak: 0.5, warmup: 0, steps: 10 }.at(0), 0.5);
    }
}
