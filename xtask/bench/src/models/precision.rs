//! Weights in fewer bits: what they gain in speed beside f32, and what they cost in accuracy.

use std::time::Duration;

use anyhow::Result;
use burn::tensor::DType;
use clip_model::{Clip, Pretrained, PretrainedOptions};

use super::Place;
use super::encode::{CASES, Case, encoder, least_cosine};
use crate::measure::{Rounds, rate};
use crate::row::Row;

/// Formats of the weights, which transformer blocks on the CPU compute with in f32.
const FORMATS: [(&str, Option<DType>); 3] =
    [("bf16", Some(DType::BF16)), ("f16", Some(DType::F16)), ("int8", None)];

/// One row for each format and kind of input of a model, those that are wanted.
pub fn measure(
    model: &str,
    place: Place<'_>,
    rounds: &Rounds,
    is_wanted: impl Fn(&str) -> bool,
    add: &mut impl FnMut(Row),
) -> Result<()> {
    let whole = place.load(model)?;
    for (format, dtype) in FORMATS {
        let fewer = load(model, place, dtype)?;
        for case in CASES.iter().filter(|case| case.model == model) {
            let name = format!("{}, {format}", case.name);
            if is_wanted(&name) {
                add(compare(name, case, place, [&fewer, &whole], rounds)?);
            }
        }
    }
    Ok(())
}

fn load(model: &str, place: Place<'_>, dtype: Option<DType>) -> Result<Pretrained> {
    let source = place.write(model)?.to_string_lossy().into_owned();
    let options =
        PretrainedOptions { dtype: dtype.unwrap_or(DType::F32), ..PretrainedOptions::default() };
    let mut clip = Clip::from_pretrained_with(&source, &options, &place.device()?)?;
    if dtype.is_none() {
        clip.model = clip.model.into_int8()?;
    }
    Ok(clip)
}

fn compare(
    name: String,
    case: &Case,
    place: Place<'_>,
    [fewer, whole]: [&Pretrained; 2],
    rounds: &Rounds,
) -> Result<Row> {
    let [fewer_encode, whole_encode] = [encoder(case, place, fewer)?, encoder(case, place, whole)?];
    let cosine = least_cosine(&fewer_encode(), &whole_encode(), whole.config.embed_dim);
    let run = |encode: &dyn Fn() -> Vec<f64>, length: Duration| {
        rate(length, || {
            encode();
            Ok(case.batch)
        })
    };
    let measured = rounds
        .interleave(|length| run(&fewer_encode, length), |length| run(&whole_encode, length))?;
    Ok(Row::new(name, &measured, format!("f32; cosine at least {cosine:.6}"), "a second", 1.0))
}
