//! Both sides in turn, so that a machine that slows down slows down both.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};

/// How often and how long each side is measured.
pub struct Rounds {
    /// Measurements of each side.
    pub count: usize,
    /// Of one measurement.
    pub length: Duration,
}

impl Rounds {
    /// Things a second of both sides, round by round.
    pub fn interleave(
        &self,
        mut ours: impl FnMut(Duration) -> Result<f64>,
        mut peer: impl FnMut(Duration) -> Result<f64>,
    ) -> Result<Vec<(f64, f64)>> {
        ensure!(self.count > 0, "at least one round is needed");
        (0..self.count).map(|_| Ok((ours(self.length)?, peer(self.length)?))).collect()
    }
}

/// Calls `step`, which says how many things it did, until the time is over; things a second.
pub fn rate(length: Duration, mut step: impl FnMut() -> Result<usize>) -> Result<f64> {
    let (start, mut count) = (Instant::now(), 0);
    while start.elapsed() < length {
        count += step()?;
    }
    Ok(count as f64 / start.elapsed().as_secs_f64())
}
