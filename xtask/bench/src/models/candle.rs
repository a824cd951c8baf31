//! candle's CLIP, which knows QuickGELU alone.

use std::time::Duration;

use anyhow::{Context, Result};
use candle_core::{DType, Device, Tensor};
use candle_nn::VarBuilder;
use candle_transformers::models::clip::{ClipConfig, ClipModel};

use super::Place;
use super::encode::{Case, FULL, IMAGE, Input, PROMPTS, case, compare, encoder};
use crate::measure::{Rounds, rate};
use crate::row::Row;

/// As Cargo.toml pins it.
const PEER: &str = "candle: candle-transformers 0.11.1";

const MODEL: &str = "ViT-B-32-quickgelu";

pub const CASES: [Case; 7] = [
    case("image ViT-B-32-quickgelu x 1", MODEL, IMAGE, 1, [1.0; 2]),
    case("image ViT-B-32-quickgelu x 8", MODEL, IMAGE, 8, [1.0; 2]),
    case("image ViT-B-32-quickgelu x 32", MODEL, IMAGE, 32, [1.0; 2]),
    case("prompt ViT-B-32-quickgelu x 1", MODEL, PROMPTS, 1, [1.0; 2]),
    case("prompt ViT-B-32-quickgelu x 64", MODEL, PROMPTS, 64, [1.0; 2]),
    case("full text ViT-B-32-quickgelu x 1", MODEL, FULL, 1, [1.0; 2]),
    case("full text ViT-B-32-quickgelu x 64", MODEL, FULL, 64, [1.0; 2]),
];

pub fn measure(case: &Case, place: Place<'_>, rounds: &Rounds) -> Result<Row> {
    let clip = place.load(MODEL)?;
    let folder = tempfile::tempdir().context("cannot make a temporary folder")?;
    clip.save_hugging_face(folder.path())?;
    let weights = std::fs::read(folder.path().join("model.safetensors"))?;
    let weights = VarBuilder::from_buffered_safetensors(weights, DType::F32, &Device::Cpu)?;
    let model = ClipModel::new(weights, &ClipConfig::vit_base_patch32())?;

    let theirs = candle_encoder(case, place, &model, clip.transform.image_size)?;
    let ours = encoder(case, place, &clip)?;
    let first: Vec<f64> = theirs()?.get(0)?.to_vec1::<f32>()?.into_iter().map(f64::from).collect();
    compare(&ours(), &first)?;
    let measured = rounds.interleave(
        |length: Duration| {
            rate(length, || {
                ours();
                Ok(case.batch)
            })
        },
        |length: Duration| {
            rate(length, || {
                theirs()?.to_vec2::<f32>()?;
                Ok(case.batch)
            })
        },
    )?;
    Ok(Row::new(case.name, &measured, PEER.to_owned(), "a second", 1.0))
}

/// What encodes the same batch.
fn candle_encoder<'a>(
    case: &Case,
    place: Place<'_>,
    model: &'a ClipModel,
    side: usize,
) -> Result<impl Fn() -> Result<Tensor> + 'a> {
    let (device, batch) = (place.device()?, case.batch);
    let (is_image, x) = match case.input {
        Input::Image => {
            let pixels = super::input::images(batch, side, &device).into_data();
            let pixels: Vec<f32> = pixels.iter::<f32>().collect();
            (true, Tensor::from_vec(pixels, (batch, 3, side, side), &Device::Cpu)?)
        }
        Input::Text(texts) => {
            let tokens = texts.tokens(batch, &device);
            let [_, context] = tokens.dims();
            let ids: Vec<u32> = tokens.into_data().iter::<u32>().collect();
            (false, Tensor::from_vec(ids, (batch, context), &Device::Cpu)?)
        }
    };
    Ok(move || {
        Ok(match is_image {
            true => model.get_image_features(&x)?,
            false => model.get_text_features(&x)?,
        })
    })
}
