use clip_model::Pretrained;

use super::benchmark::MeasureError;
use super::model::projected;
use super::{ClassifierStore, Features, Row};
use crate::{Dataset, Prediction, classify};

/// Classifies a data set by language alone, names in templates, and returns its row and the
/// predictions.
///
/// # Shapes
///
/// - features: `[images, width]`, before the projection
///
/// # Errors
///
/// When the model has no tokenizer, or the classifier can't be kept.
pub fn zero_shot(
    (name, clip, classifiers): (&str, &Pretrained, &ClassifierStore),
    (dataset, task): (&Dataset, &str),
    (names, templates): (&[Vec<String>], &[String]),
    features: &Features,
) -> Result<(Row, Vec<Prediction>), MeasureError> {
    let classifier = classifiers.get(clip, names, templates)?;
    let (images, scale) = projected(clip, &features.features);
    let predictions = classify(&classifier, images, &features.labels, scale);
    Ok((Row::of(name, dataset, task, &predictions, names.len()), predictions))
}
