use serde::{Deserialize, Serialize};

/// Steps without a fault after which the scale is doubled, as PyTorch's `GradScaler` does it.
const GROWTH_INTERVAL: u64 = 2000;
/// The scale of the first step, as there.
const INITIAL: f64 = 65536.0;

/// The factor on the loss that keeps f16's small gradients from vanishing. It is halved when one
/// overflows and doubled after many that did not.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct LossScale {
    scale: f64,
    steps: u64,
    dynamic: bool,
}

impl LossScale {
    /// No scale, for f32 and bf16.
    pub fn none() -> Self {
        Self { scale: 1.0, steps: 0, dynamic: false }
    }

    /// A scale that finds its own size.
    pub fn dynamic() -> Self {
        Self { scale: INITIAL, steps: 0, dynamic: true }
    }

    /// The scale that a checkpoint holds, unless it is of a run without one.
    pub(crate) fn or_saved(self, saved: Self) -> Self {
        if self.dynamic && saved.dynamic { saved } else { self }
    }

    /// The factor for the next step.
    pub fn factor(&self) -> f64 {
        self.scale
    }

    /// Whether an overflow is a part of finding the scale rather than a fault.
    pub fn is_searching(&self) -> bool {
        self.dynamic && self.scale > 1.0
    }

    pub(super) fn failed(&mut self) {
        if self.dynamic {
            *self = Self { scale: (self.scale / 2.0).max(1.0), steps: 0, ..*self };
        }
    }

    pub(super) fn succeeded(&mut self) {
        self.steps += 1;
        if self.dynamic && self.steps == GROWTH_INTERVAL {
            *self = Self { scale: 2.0 * self.scale, steps: 0, ..*self };
        }
    }
}

impl Default for LossScale {
    fn default() -> Self {
        Self::none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scale_falls_at_a_fault_and_grows_with_patience() {
        let mut scale = LossScale::dynamic();
        scale.failed();
        assert_eq!(scale.factor(), INITIAL / 2.0);
        (1..GROWTH_INTERVAL).for_each(|_| scale.succeeded());
        assert_eq!(scale.factor(), INITIAL / 2.0);
        scale.succeeded();
        assert_eq!(scale.factor(), INITIAL);
        (0..100).for_each(|_| scale.failed());
        assert!(scale.factor() == 1.0 && !scale.is_searching());
        let mut none = LossScale::none();
        (0..2 * GROWTH_INTERVAL).for_each(|_| none.succeeded());
        assert_eq!(none.factor(), 1.0);
    }
}
