//! From the start of a process to its first embedding.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use super::Place;
use crate::measure::{Rounds, rate};
use crate::peer::Peer;
use crate::row::Row;

const MODEL: &str = "ViT-B-32";

/// Starts a second, of `embed` beside a Python program that does the same.
pub fn measure(place: Place<'_>, peer: &mut Peer, rounds: &Rounds) -> Result<Vec<Row>> {
    let folder = place.write(MODEL)?;
    let image = place.folder.join("image.png");
    image::RgbImage::from_fn(640, 480, |x, y| image::Rgb([x as u8, y as u8, (x ^ y) as u8]))
        .save(&image)
        .context("cannot write an image")?;
    let ours = |length: Duration| {
        rate(length, || {
            embed(&folder, &image)?;
            Ok(1)
        })
    };
    let question = format!("startup:{MODEL}:{}", image.display());
    let measured = rounds.interleave(ours, |length| peer.rate(&question, length))?;
    let seconds: Vec<(f64, f64)> = measured.iter().map(|(a, b)| (1.0 / a, 1.0 / b)).collect();
    let alone: Vec<(f64, f64)> = seconds.iter().map(|(ours, _)| (*ours, 0.5)).collect();
    let package = peer.package("open_clip_torch");
    Ok(vec![
        Row::less_is_better("start to first embedding", &seconds, package, "s", 10.0),
        Row::less_is_better("start to first embedding", &alone, "the bound".into(), "s", 1.0),
    ])
}

/// The example, from the folder of this program.
fn embed(model: &Path, image: &Path) -> Result<()> {
    let program = std::env::current_exe()?.with_file_name("examples").join("embed");
    let status = Command::new(&program)
        .arg("--model")
        .arg(model)
        .arg("--image")
        .arg(image)
        .arg("--out")
        .arg(image.with_extension("safetensors"))
        .stdout(Stdio::null())
        .status()
        .with_context(|| format!("cannot run {}; build it first", program.display()))?;
    ensure!(status.success(), "{} failed", program.display());
    Ok(())
}
