use std::fmt;

use serde::{Deserialize, Serialize};

use crate::machine;

/// One figure.
#[derive(Debug, Serialize, Deserialize)]
pub struct Row {
    /// What was measured.
    pub name: String,
    /// Our median.
    pub ours: f64,
    /// The peer's median.
    pub peer: f64,
    /// What the peer is, with its version.
    pub peer_name: String,
    /// How many times as good ours is.
    pub ratio: f64,
    /// The lowest of the rounds' ratios.
    pub low: f64,
    /// The highest of the rounds' ratios.
    pub high: f64,
    /// Of `ours` and `peer`.
    pub unit: String,
    /// What the ratio should be at least.
    pub goal: f64,
    /// What it was measured on.
    pub machine: String,
    /// Ours and the peer's, round by round.
    pub rounds: Vec<(f64, f64)>,
    /// Part of the machine's matrix product that ours reaches, were nothing left out.
    pub share: Option<f64>,
}

impl Row {
    /// A figure from rounds of ours and the peer's, more being better.
    pub fn new(
        name: impl Into<String>,
        rounds: &[(f64, f64)],
        peer_name: String,
        unit: &str,
        goal: f64,
    ) -> Self {
        Self::of(name.into(), rounds, peer_name, unit, goal, |ours, peer| ours / peer)
    }

    /// A figure of which less is better.
    pub fn less_is_better(
        name: impl Into<String>,
        rounds: &[(f64, f64)],
        peer_name: String,
        unit: &str,
        goal: f64,
    ) -> Self {
        Self::of(name.into(), rounds, peer_name, unit, goal, |ours, peer| peer / ours)
    }

    fn of(
        name: String,
        rounds: &[(f64, f64)],
        peer_name: String,
        unit: &str,
        goal: f64,
        ratio: fn(f64, f64) -> f64,
    ) -> Self {
        let ours = median(rounds.iter().map(|round| round.0).collect());
        let peer = median(rounds.iter().map(|round| round.1).collect());
        let ratios = rounds.iter().map(|(ours, peer)| ratio(*ours, *peer));
        Self {
            name,
            ours,
            peer,
            peer_name,
            ratio: ratio(ours, peer),
            low: ratios.clone().fold(f64::INFINITY, f64::min),
            high: ratios.fold(0.0, f64::max),
            unit: unit.to_owned(),
            goal,
            machine: machine::name(),
            rounds: rounds.to_vec(),
            share: None,
        }
    }

    /// With what one of `ours` takes, in parts of what the machine's matrix product does a second.
    pub fn with_share(self, cost: f64) -> Self {
        Self { share: Some(self.ours * cost), ..self }
    }

    /// The line above all rows.
    pub fn header() -> String {
        format!(
            "{:<30} {:>10} {:>10} {:<10} {:>7} {:>17} {:>6} {:>6}  peer",
            "figure", "ours", "peer", "unit", "ratio", "low to high", "goal", "share"
        )
    }
}

/// The middle one, the lower of two.
fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len().saturating_sub(1) / 2).copied().unwrap_or(f64::NAN)
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, ours, peer, peer_name, ratio, low, high, unit, goal, .. } = self;
        let share = self.share.map_or(String::new(), |share| format!("{share:.2}"));
        write!(
            f,
            "{name:<30} {ours:>10.2} {peer:>10.2} {unit:<10} {ratio:>7.2} {low:>7.2} to {high:>6.2} \
             {goal:>6.2} {share:>6}  {peer_name}{}",
            if ratio >= goal { "" } else { " (BELOW THE GOAL)" }
        )
    }
}
