//! Linear probes beside scikit-learn's.

use std::path::Path;
use std::time::Duration;

use anyhow::{Result, ensure};
use burn::tensor::{Device, Tensor};
use clip_eval::{LinearProbe, ProbeOptions, read_npy};

use crate::measure::{Rounds, rate};
use crate::peer::Peer;
use crate::row::Row;

/// Makes the features, and fits with scikit-learn.
pub const SCRIPT: &str = "xtask/bench/peers/probe.py";

pub const SPEED: &str = "linear probe";

const CLASSES: usize = 100;
/// Points of accuracy that both may be apart.
const APART: f64 = 0.1;
/// What the objectives may be apart, in parts of them.
const OBJECTIVE: f64 = 1e-6;

/// Fits a second, of probes that must be the same at the optimum.
pub fn speed(folder: &Path, peer: &mut Peer, rounds: &Rounds) -> Result<Row> {
    let (train, labels) = features(folder, "train")?;
    let (test, test_labels) = features(folder, "test")?;
    let fit = |tolerance: f64| {
        let options = ProbeOptions { tolerance, ..ProbeOptions::default() };
        LinearProbe::fit(train.clone(), &labels, CLASSES, options)
    };
    let exact = fit(1e-8)?;
    let right = exact.probe.classify(test, &test_labels).iter().filter(|p| p.rank == 0).count();
    let accuracy = 100.0 * right as f64 / test_labels.len() as f64;
    let theirs = peer.rate("objective", Duration::ZERO)?;
    let their_accuracy = peer.rate("accuracy", Duration::ZERO)?;
    let difference = (exact.objective - theirs).abs() / theirs;
    println!(
        "  objective {:.6} and {theirs:.6} (relative {difference:.1e}), accuracy {accuracy:.2}% and \
         {their_accuracy:.2}%",
        exact.objective
    );
    ensure!(difference < OBJECTIVE, "the objectives are {difference:.1e} apart");
    ensure!((accuracy - their_accuracy).abs() <= APART, "the accuracies are too far apart");
    let ours = |length: Duration| rate(length, || fit(1e-4).map(|_| 1).map_err(Into::into));
    let measured = rounds.interleave(ours, |length| peer.rate("fit", length))?;
    Ok(Row::new(SPEED, &measured, peer.package("scikit-learn"), "fits/s", 1.0))
}

fn features(folder: &Path, part: &str) -> Result<(Tensor<2>, Vec<usize>)> {
    let device = Device::flex();
    let features = read_npy(folder.join(format!("{part}.npy")), &device)?;
    let labels = read_npy(folder.join(format!("{part}-labels.npy")), &device)?;
    let labels = labels.into_data().iter::<f32>().map(|label| label as usize).collect();
    Ok((features, labels))
}
