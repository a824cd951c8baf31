//! A bound on the work that one text may cause.

/// What is left to spend, in characters looked at.
///
/// Fixing goes on until nothing changes, and there are texts (`ÂÂÂÂ…©`, `&amp;amp;amp;…`) that
/// change by a single character each time: a megabyte of that would take the reference hours.
/// The allowance is so large that texts below some five thousand characters never use it up.
#[derive(Debug)]
pub struct Effort(usize);

/// Passes over a text that every length may take.
const PASSES: usize = 32;

/// Characters that short texts may look at in any case.
const BASE: usize = 1 << 25;

impl Effort {
    /// The allowance of a text of that many characters.
    pub fn for_length(length: usize) -> Self {
        Self(BASE.saturating_add(length.saturating_mul(PASSES)))
    }

    /// Takes the cost of one pass; false when nothing is left.
    pub fn spend(&mut self, length: usize) -> bool {
        match self.0.checked_sub(length) {
            Some(left) => {
                self.0 = left;
                true
            }
            None => false,
        }
    }
}
