//! The tiled loss with its gradient, beside the dense one through autodiff, Burn's and PyTorch's.

use std::path::Path;
use std::time::Duration;

use anyhow::Result;
use burn::tensor::{Device, Distribution, Tensor};
use clip_model::loss::{FeatureGradients, contrastive_loss, tiled_contrastive_loss};
use clip_model::normalize;

use crate::apart;
use crate::measure::{Rounds, rate};
use crate::models;
use crate::peer::Peer;
use crate::row::Row;

/// Width of the features.
const WIDTH: usize = 512;
/// Pairs of the comparison of speed.
const PAIRS: usize = 8192;
/// Rows and columns of a tile: the trainer's default.
const TILE: usize = 512;
/// Megabytes that the loss may take beside the features.
const BOUND: f64 = 300.0;

/// The logarithm of a scale of 14, the paper's first.
const LOG_SCALE: f32 = 2.659_26;

pub const SPEED: &str = "loss, 8192 x 512";
pub const MEMORY: &str = "memory of the loss";

/// Losses with gradients a second.
pub fn speed(peer: &mut Peer, rounds: &Rounds) -> Result<Vec<Row>> {
    let (images, texts) = features(PAIRS);
    let ours = |length: Duration| {
        rate(length, || {
            finish(tiled(&images, &texts));
            Ok(1)
        })
    };
    let dense = |length: Duration| {
        rate(length, || {
            let leaf = |x: &Tensor<2>| Tensor::from_inner(x.clone()).require_grad();
            let (images, texts) = (leaf(&images), leaf(&texts));
            let scale = Tensor::from_inner(scale()).require_grad();
            let loss = contrastive_loss(images.clone(), texts.clone(), scale.clone(), 0.0);
            let gradients = loss.backward();
            for features in [images, texts] {
                features.grad(&gradients).map(Tensor::into_data);
            }
            scale.grad(&gradients).map(Tensor::into_data);
            Ok(1)
        })
    };
    let question = format!("loss:{PAIRS}:{WIDTH}");
    let torch = rounds.interleave(ours, |length| peer.rate(&question, length))?;
    let burn = rounds.interleave(ours, dense)?;
    let torch_name = format!("dense: {}", peer.package("torch"));
    Ok(vec![
        Row::new(SPEED, &torch, torch_name, "a second", 1.5),
        Row::new(SPEED, &burn, "dense: Burn's autodiff".to_owned(), "a second", 1.0),
    ])
}

/// The peak beside the features for so many pairs, each round in a process of its own.
pub fn memory(pairs: usize, rounds: usize) -> Result<Row> {
    if apart::is_apart() {
        return row(pairs, &[peak_above_features(pairs)?]);
    }
    let measured: Vec<f64> =
        (0..rounds.max(1)).map(|_| measure_apart(pairs)).collect::<Result<_>>()?;
    row(pairs, &measured)
}

fn row(pairs: usize, measured: &[f64]) -> Result<Row> {
    let rounds: Vec<(f64, f64)> = measured.iter().map(|peak| (*peak, BOUND)).collect();
    let name = format!("{MEMORY}, {pairs} x {WIDTH}");
    Ok(Row::less_is_better(name, &rounds, "the bound".to_owned(), "MB", 1.0))
}

/// The same beside the dense form in PyTorch, at the size of the comparison of speed.
pub fn memory_beside_dense(python: &Path, folder: &Path, rounds: usize) -> Result<Row> {
    let mut measured = Vec::new();
    let mut package = String::new();
    for _ in 0..rounds.max(1) {
        let mut peer = Peer::start(python, models::SCRIPT, folder)?;
        let dense = peer.number(&format!("loss-memory:{PAIRS}:{WIDTH}"))?;
        measured.push((measure_apart(PAIRS)?, dense));
        package = format!("dense: {}", peer.package("torch"));
    }
    let name = format!("{MEMORY}, {PAIRS} x {WIDTH}");
    Ok(Row::less_is_better(name, &measured, package, "MB", 10.0))
}

/// One round, by this program.
fn measure_apart(pairs: usize) -> Result<f64> {
    let mut command = apart::command()?;
    command.args(["loss", "--only", MEMORY, "--pairs", &pairs.to_string()]);
    Ok(apart::row(command)?.ours)
}

fn peak_above_features(pairs: usize) -> Result<f64> {
    let (images, texts) = features(pairs);
    let before = apart::status("VmRSS:")?;
    finish(tiled(&images, &texts));
    Ok(apart::status("VmHWM:")? - before)
}

fn features(pairs: usize) -> (Tensor<2>, Tensor<2>) {
    let device = Device::flex();
    device.seed(0);
    // Part by part: what making them takes would hide in what the loss takes.
    let random = || {
        let mut all = Tensor::<2>::zeros([pairs, WIDTH], &device);
        for start in (0..pairs).step_by(1024) {
            let rows = start..(start + 1024).min(pairs);
            let noise = Distribution::Normal(0.0, 1.0);
            let part = normalize(Tensor::random([rows.len(), WIDTH], noise, &device));
            all = all.slice_assign([rows], part);
        }
        all
    };
    (random(), random())
}

fn scale() -> Tensor<1> {
    Tensor::from_floats([LOG_SCALE], &Device::flex())
}

fn tiled(images: &Tensor<2>, texts: &Tensor<2>) -> FeatureGradients {
    tiled_contrastive_loss(images.clone(), texts.clone(), scale(), TILE)
}

/// Whatever is lazy is done.
fn finish(loss: FeatureGradients) {
    loss.loss.into_data();
    loss.logit_scale.into_data();
    loss.image_features.device().sync().ok();
}
