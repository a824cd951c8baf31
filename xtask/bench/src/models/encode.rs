//! Images and texts a second.

use std::time::Duration;

use anyhow::{Result, ensure};
use clip_model::{Mode, Pretrained};

use super::Place;
use super::input::{Texts, images};
use crate::measure::{Rounds, rate};
use crate::peer::Peer;
use crate::row::Row;

/// Images or texts of one kind, in batches.
pub struct Case {
    pub name: &'static str,
    pub model: &'static str,
    pub input: Input,
    pub batch: usize,
    /// Of the ratios to PyTorch and to ONNX Runtime.
    goals: [f64; 2],
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Input {
    Image,
    Text(Texts),
}

pub const IMAGE: Input = Input::Image;
pub const PROMPTS: Input = Input::Text(Texts::Prompts);
pub const FULL: Input = Input::Text(Texts::Full);

pub const fn case(
    name: &'static str,
    model: &'static str,
    input: Input,
    batch: usize,
    goals: [f64; 2],
) -> Case {
    Case { name, model, input, batch, goals }
}

pub const CASES: [Case; 12] = [
    case("image ViT-B-32 x 1", "ViT-B-32", IMAGE, 1, [1.3, 1.1]),
    case("image ViT-B-32 x 8", "ViT-B-32", IMAGE, 8, [1.3, 1.1]),
    case("image ViT-B-32 x 32", "ViT-B-32", IMAGE, 32, [1.3, 1.1]),
    case("prompt ViT-B-32 x 1", "ViT-B-32", PROMPTS, 1, [1.3, 1.1]),
    case("prompt ViT-B-32 x 64", "ViT-B-32", PROMPTS, 64, [1.3, 1.1]),
    case("full text ViT-B-32 x 1", "ViT-B-32", FULL, 1, [1.3, 1.1]),
    case("full text ViT-B-32 x 64", "ViT-B-32", FULL, 64, [1.3, 1.1]),
    case("image ViT-B-16 x 8", "ViT-B-16", IMAGE, 8, [1.3, 1.1]),
    case("image RN50 x 1", "RN50", IMAGE, 1, [1.0, 1.0]),
    case("image RN50 x 8", "RN50", IMAGE, 8, [1.0, 1.0]),
    case("image ViT-L-14 x 1", "ViT-L-14", IMAGE, 1, [1.0, 1.0]),
    case("image ViT-L-14 x 8", "ViT-L-14", IMAGE, 8, [1.0, 1.0]),
];

/// The least cosine of ours with a peer's feature of the same input.
const SAME: f64 = 0.999;

/// One row for each peer; `peak` is the machine's matrix product, in operations a second.
pub fn measure(
    case: &Case,
    place: Place<'_>,
    peer: &mut Peer,
    rounds: &Rounds,
    peak: f64,
) -> Result<Vec<Row>> {
    let mut clip = place.load(case.model)?;
    clip.model = clip.model.into_prepacked();
    let encode = encoder(case, place, &clip)?;
    let flops = peer.number(&format!("flops:{}:{}", case.model, tower(case)))?;
    let peers = match place.device {
        "cpu" => [("torch", "torch"), ("onnx", "onnxruntime")],
        _ => [("torch", "torch"), ("compile", "torch")],
    };
    let mut rows = Vec::new();
    for ((name, package), goal) in peers.into_iter().zip(case.goals) {
        let question =
            format!("{}:{}:{}:{}:{name}", tower(case), case.model, kind(case), case.batch);
        compare(&encode(), &peer.numbers(&format!("first:{question}"))?)?;
        let ours = |length: Duration| {
            rate(length, || {
                encode();
                Ok(case.batch)
            })
        };
        let measured = rounds.interleave(ours, |length| peer.rate(&question, length))?;
        let peer_name = format!("{name}: {}", peer.package(package));
        let row = Row::new(case.name, &measured, peer_name, "a second", goal);
        // A prompt is not computed at all positions, which the count is of.
        rows.push(match case.input {
            PROMPTS => row,
            _ => row.with_share(flops / peak),
        });
    }
    Ok(rows)
}

/// What encodes the batch, and returns its features.
pub fn encoder(case: &Case, place: Place<'_>, clip: &Pretrained) -> Result<impl Fn() -> Vec<f64>> {
    let device = place.device()?;
    let (model, side) = (clip.model.clone(), clip.transform.image_size);
    let (input, batch) = (case.input, case.batch);
    let images = images(if matches!(input, Input::Image) { batch } else { 1 }, side, &device);
    let tokens = match input {
        Input::Image => Texts::Prompts.tokens(1, &device),
        Input::Text(texts) => texts.tokens(batch, &device),
    };
    Ok(move || {
        let features = match input {
            Input::Image => model.image_features(images.clone(), Mode::Evaluation),
            Input::Text(_) => model.text_features(tokens.clone()),
        };
        features.into_data().iter::<f32>().map(f64::from).collect()
    })
}

fn tower(case: &Case) -> &'static str {
    match case.input {
        Input::Image => "image",
        Input::Text(_) => "text",
    }
}

fn kind(case: &Case) -> &'static str {
    match case.input {
        Input::Image => "pixels",
        Input::Text(texts) => texts.name(),
    }
}

/// Speed at something else would be worth nothing; only the peer's first feature is known.
pub fn compare(ours: &[f64], theirs: &[f64]) -> Result<()> {
    ensure!(ours.len() >= theirs.len(), "features of {} and {}", ours.len(), theirs.len());
    let cosine = least_cosine(ours, theirs, theirs.len());
    ensure!(cosine > SAME, "the peer's feature is another one: their cosine is {cosine}");
    Ok(())
}

/// The least cosine of features of so many numbers, one side's with the other's.
pub fn least_cosine(ours: &[f64], theirs: &[f64], width: usize) -> f64 {
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    ours.chunks(width)
        .zip(theirs.chunks(width))
        .map(|(a, b)| dot(a, b) / (dot(a, a) * dot(b, b)).sqrt())
        .fold(1.0, f64::min)
}
