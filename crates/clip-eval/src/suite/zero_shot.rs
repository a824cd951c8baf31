use clip_model::Pretrained;

use super::benchmark::MeasureError;
use super::model::projected;
use super::{ClassifierStore, Features, Row};
use crate::{Dataset, Opened, Prediction, classify};

/// Classifies a data set by language alone, and returns its row and the predictions.
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
    dataset: &Dataset,
    opened: &Opened,
    features: &Features,
) -> Result<(Row, Vec<Prediction>), MeasureError> {
    let classifier = classifiers.get(clip, &opened.names, &opened.templates)?;
    let (images, scale) = projected(clip, &features.features);
    let predictions = classify(&classifier, images, &features.labels, scale);
    let classes = opened.names.len();
    Ok((Row::of(name, dataset, "zero_shot", &predictions, classes), predictions))
}
