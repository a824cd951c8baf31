use clip_model::{Pretrained, PretrainedError, ZeroShotClassifier, normalize};

use super::{Features, Row};
use crate::{Dataset, Opened, Prediction, classify};

/// Classifies a data set by language alone, and returns its row and the predictions.
///
/// # Shapes
///
/// - features: `[images, width]`, before the projection
///
/// # Errors
///
/// When the model has no tokenizer.
pub fn zero_shot(
    (name, clip): (&str, &Pretrained),
    dataset: &Dataset,
    opened: &Opened,
    features: &Features,
) -> Result<(Row, Vec<Prediction>), PretrainedError> {
    let classifier = classifier(clip, &opened.names, &opened.templates)?;
    let images = normalize(clip.model.project_image(features.features.clone()));
    let scale = clip.model.logit_scale.val().into_data().iter::<f32>().sum::<f32>().exp();
    let predictions = classify(&classifier, images, &features.labels, scale);
    let classes = opened.names.len();
    Ok((Row::of(name, dataset, "zero_shot", &predictions, classes), predictions))
}

/// One weight vector a class: the mean of all its names in all templates.
pub(super) fn classifier(
    clip: &Pretrained,
    names: &[Vec<String>],
    templates: &[String],
) -> Result<ZeroShotClassifier, PretrainedError> {
    let fill = |name: &String| {
        templates.iter().map(|template| template.replace("{}", name)).collect::<Vec<_>>()
    };
    let prompts: Vec<Vec<String>> =
        names.iter().map(|names| names.iter().flat_map(fill).collect()).collect();
    Ok(ZeroShotClassifier::of_prompts(&clip.model, clip.tokenizer()?, &prompts))
}
