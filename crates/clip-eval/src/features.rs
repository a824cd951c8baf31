use burn::tensor::Tensor;
use clip_data::DataError;
use clip_model::preprocess::ImageTransform;
use clip_model::{Clip, images_to_tensor, normalize};
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
    done: impl FnMut(usize),
) -> Result<Tensor<2>, DataError> {
    Ok(normalize(encode_images_with(Clip::encode_image, model, transform, count, get, done)?))
}

/// [`encode_images`] by another method of the model and without normalisation, `[count, width]`:
/// [`Clip::encode_image_unprojected`] for linear probes, [`Clip::encode_image`] for a model whose
/// features are not compared.
///
/// # Errors
///
/// The first that `get` returns.
pub fn encode_images_with(
    encode: impl Fn(&Clip, Tensor<4>) -> Tensor<2>,
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
        features.push(encode(model, images_to_tensor(batch, transform, &device)));
        done(range.end);
    }
    Ok(Tensor::cat(features, 0))
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
