use burn::tensor::{Device, Tensor};
use clip_data::DataError;
use clip_model::preprocess::ImageTransform;
use clip_model::{Clip, Mode, images_to_tensor};
use image::DynamicImage;
use rayon::prelude::*;

/// Images encoded at once.
const BATCH: usize = 256;

/// Normalised features of images `0..count`, `[count, embed]`, each preprocessed by `transform`.
///
/// `count` must be above 0. `done` is told after each batch how many images are encoded.
///
/// # Errors
///
/// The first that `get` returns.
pub fn encode_images(
    model: &Clip,
    transform: &ImageTransform,
    count: usize,
    get: impl Fn(usize) -> Result<DynamicImage, DataError> + Sync,
    mut done: impl FnMut(usize),
) -> Result<Tensor<2>, DataError> {
    let device = model.logit_scale.val().device();
    let mut features = Vec::new();
    for start in (0..count).step_by(BATCH) {
        let range = start..(start + BATCH).min(count);
        let batch = pixels(transform, range.clone(), &get)?;
        features.push(encode(model, batch, transform, &device));
        done(range.end);
    }
    Ok(Tensor::cat(features, 0))
}

fn encode(model: &Clip, pixels: Vec<u8>, transform: &ImageTransform, device: &Device) -> Tensor<2> {
    model.image_features(images_to_tensor(pixels, transform, device), Mode::Evaluation)
}

/// Decoded and preprocessed images one after the other, `[batch, size, size, 3]`.
fn pixels(
    transform: &ImageTransform,
    range: std::ops::Range<usize>,
    get: &(impl Fn(usize) -> Result<DynamicImage, DataError> + Sync),
) -> Result<Vec<u8>, DataError> {
    let image = |index| Ok(transform.apply(&get(index)?.into()).into_raw());
    let images: Result<Vec<Vec<u8>>, DataError> = range.into_par_iter().map(image).collect();
    Ok(images?.concat())
}
