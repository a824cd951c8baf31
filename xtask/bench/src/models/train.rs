//! Whole training steps: both towers forward and backward, loss, update.

use std::path::Path;
use std::time::Duration;

use anyhow::{Result, ensure};
use clip_train::{
    ClipLearner, Exchange, Objective, Pairs, Precision, StepOptions, TrainConfig, batch_gradients,
};

use super::Place;
use super::input::{Texts, images};
use crate::apart;
use crate::measure::{Rounds, rate};
use crate::peer::Peer;
use crate::row::Row;

pub const SPEED: &str = "training";
pub const MEMORY: &str = "memory of training";

/// Pairs a second with each kind of text.
pub fn speed(
    model: &str,
    batch: usize,
    place: Place<'_>,
    peer: &mut Peer,
    rounds: &Rounds,
) -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    for texts in [Texts::Prompts, Texts::Full] {
        for name in peers(place) {
            let mut step = stepper(model, batch, texts, place)?;
            step()?;
            let ours = |length: Duration| {
                rate(length, || {
                    step()?;
                    Ok(batch)
                })
            };
            let question = format!("train:{model}:{}:{batch}:{name}", texts.name());
            let measured = rounds.interleave(ours, |length| peer.rate(&question, length))?;
            let package = format!("{name}: {}", peer.package("open_clip_torch"));
            let figure = format!("{SPEED} {model} x {batch}, {}", texts.name());
            rows.push(Row::new(figure, &measured, package, "pairs/s", 1.2));
        }
    }
    Ok(rows)
}

fn peers(place: Place<'_>) -> &'static [&'static str] {
    match place.device {
        "cpu" => &["torch"],
        _ => &["torch", "compile"],
    }
}

/// The largest resident memory of three steps, each round in processes of their own.
pub fn memory(
    model: &str,
    batch: usize,
    place: Place<'_>,
    python: &Path,
    rounds: usize,
) -> Result<Row> {
    let name = format!("{MEMORY} {model} x {batch}");
    if apart::is_apart() {
        let mut step = stepper(model, batch, Texts::Full, place)?;
        for _ in 0..3 {
            step()?;
        }
        let peak = apart::status("VmHWM:")?;
        return Ok(Row::less_is_better(name, &[(peak, peak)], String::new(), "MB", 1.0));
    }
    ensure!(place.device == "cpu", "a process's memory says nothing of a GPU's");
    let mut package = String::new();
    let mut measured = Vec::new();
    for _ in 0..rounds.max(1) {
        let mut command = apart::command()?;
        command.args(["train", "--only", MEMORY, "--model", model]);
        command.args(["--batch", &batch.to_string(), "--data"]).arg(place.folder);
        let ours = apart::row(command)?.ours;
        let mut peer = place.peer(python)?;
        for _ in 0..2 {
            peer.number(&format!("train:{model}:{}:{batch}:torch", Texts::Full.name()))?;
        }
        measured.push((ours, peer.number("peak")?));
        package = peer.package("open_clip_torch");
    }
    Ok(Row::less_is_better(name, &measured, package, "MB", 1.0))
}

/// What does a step of the trainer's.
fn stepper(
    model: &str,
    batch: usize,
    texts: Texts,
    place: Place<'_>,
) -> Result<impl FnMut() -> Result<()>> {
    let device = place.device()?.autodiff();
    let folder = place.write(model)?;
    let clip = clip_model::Clip::from_pretrained(&folder.to_string_lossy(), &device)?;
    let side = clip.transform.image_size;
    let mut learner = ClipLearner::new(&TrainConfig::default(), clip.model);
    let pairs = Pairs {
        images: images(batch, side, &device),
        tokens: texts.tokens(batch, &device),
        seed: 0,
    };
    let precision = match place.precision {
        "bf16" => Precision::Bf16,
        _ => Precision::F32,
    };
    let options = StepOptions { precision, ..StepOptions::whole() };
    let (objective, exchange) = (Objective::default(), Exchange::alone(&device));
    let mut count = 0;
    Ok(move || {
        let (loss, gradients) =
            batch_gradients(&learner.model, &pairs, &objective, options, &exchange)?;
        let loss = f64::from(loss.into_scalar::<f32>());
        let outcome = learner.update(loss, gradients, 1e-6, count);
        ensure!(outcome.fault.is_none(), "the step failed: {:?}", outcome.fault);
        count += 1;
        Ok(())
    })
}
