use std::f64::consts::PI;

use serde::{Deserialize, Serialize};

/// How the learning rate goes on after the warm-up: open_clip's `--lr-scheduler`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LrScheduler {
    /// A cosine down to zero (paper, section 2.5).
    #[default]
    Cosine,
    /// It stays as it is.
    Const,
    /// It stays as it is until the [`Cooldown`], so that a run can be prolonged from before.
    ConstCooldown,
}

/// The end of a run with [`LrScheduler::ConstCooldown`].
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Cooldown {
    /// Steps that it takes.
    pub steps: u64,
    /// Power of the decay: 1 for a straight line.
    pub power: f64,
    /// Learning rate that it leads to.
    pub end_lr: f64,
}

impl Default for Cooldown {
    fn default() -> Self {
        Self { steps: 0, power: 1.0, end_lr: 0.0 }
    }
}

/// The learning rate of each step: a linear warm-up, then what the scheduler says.
///
/// A function of the step alone, so that there is nothing to save.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Schedule {
    /// What follows the warm-up.
    pub scheduler: LrScheduler,
    /// Learning rate at the top.
    pub peak: f64,
    /// Steps of the rise.
    pub warmup: u64,
    /// How a constant rate ends.
    pub cooldown: Cooldown,
    /// Steps of the whole run.
    pub steps: u64,
}

impl Schedule {
    /// The learning rate of a step, counted from 0, as open_clip's `scheduler.py` has it.
    pub fn at(&self, step: u64) -> f64 {
        if step < self.warmup {
            return self.peak * (step + 1) as f64 / self.warmup as f64;
        }
        match self.scheduler {
            LrScheduler::Cosine => {
                0.5 * (1.0 + (PI * self.done_since(self.warmup, step)).cos()) * self.peak
            }
            LrScheduler::Const => self.peak,
            LrScheduler::ConstCooldown => {
                let Cooldown { steps, power, end_lr } = self.cooldown;
                let done = self.done_since(self.steps.saturating_sub(steps), step);
                (1.0 - done).powf(power) * (self.peak - end_lr) + end_lr
            }
        }
    }

    /// The share of the steps from `start` to the end that are done, in `[0, 1]`.
    fn done_since(&self, start: u64, step: u64) -> f64 {
        let whole = self.steps.saturating_sub(start).max(1);
        (step.saturating_sub(start) as f64 / whole as f64).min(1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COSINE: Schedule = Schedule {
        scheduler: LrScheduler::Cosine,
        peak: 1e-3,
        warmup: 4,
        cooldown: Cooldown { steps: 8, power: 2.0, end_lr: 1e-4 },
        steps: 20,
    };

    fn assert_rates(scheduler: LrScheduler, expected: &[(u64, f64)]) {
        let schedule = Schedule { scheduler, ..COSINE };
        for (step, rate) in expected {
            let found = schedule.at(*step);
            assert!((found - rate).abs() < 1e-15, "step {step}: {found}");
        }
    }

    /// Values of open_clip 3.3.0's schedulers for base 1e-3, warm-up 4, 20 steps, and a cooldown of
    /// 8 steps with power 2 to 1e-4.
    #[test]
    fn steps_equal_those_of_open_clip() {
        let warm_up = [(0, 2.5e-4), (3, 1e-3), (4, 1e-3)];
        assert_rates(LrScheduler::Cosine, &warm_up);
        assert_rates(LrScheduler::Cosine, &[(12, 5e-4), (19, 9.607_359_798_384_785e-6)]);
        assert_rates(LrScheduler::Const, &warm_up);
        assert_rates(LrScheduler::Const, &[(11, 1e-3), (19, 1e-3)]);
        assert_rates(LrScheduler::ConstCooldown, &warm_up);
        let cooldown = [(11, 1e-3), (12, 1e-3), (16, 3.25e-4), (19, 1.140_625e-4)];
        assert_rates(LrScheduler::ConstCooldown, &cooldown);
    }

    #[test]
    fn a_run_without_warm_up_starts_at_the_top() {
        assert_eq!(Schedule { peak: 0.5, warmup: 0, ..COSINE }.at(0), 0.5);
    }
}
