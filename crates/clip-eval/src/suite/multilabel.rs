use burn::tensor::activation::softmax;
use clip_model::Pretrained;

use super::benchmark::MeasureError;
use super::bootstrap::interval;
use super::model::projected;
use super::{ClassifierStore, Features, Row};
use crate::{Dataset, Evaluation, average_precision_11_point};

/// Samples that the interval is made of.
const SAMPLES: usize = 200;

/// Names all classes of images by language alone: the mean of the classes' 11-point average
/// precisions, of probabilities among all classes, as the paper has it for VOC 2007.
///
/// `truth` says for each image and class whether it is there; `None` does not count.
///
/// # Shapes
///
/// - features: `[images, width]`, before the projection
///
/// # Errors
///
/// When the model has no tokenizer, or the classifier can't be kept.
pub fn zero_shot_multilabel(
    (name, clip, classifiers): (&str, &Pretrained, &ClassifierStore),
    dataset: &Dataset,
    truth: &[Vec<Option<bool>>],
    features: &Features,
) -> Result<Row, MeasureError> {
    let names: Vec<_> = dataset.names().0.iter().map(|names| names.all().to_vec()).collect();
    let classifier = classifiers.get(clip, &names, dataset.templates().0)?;
    let (images, scale) = projected(clip, &features.features);
    let scores = softmax(classifier.forward(images).mul_scalar(scale), 1);
    let scores: Vec<f32> = scores.into_data().iter().collect();
    let scores: Vec<&[f32]> = scores.chunks_exact(names.len()).collect();
    let all: Vec<usize> = (0..truth.len()).collect();
    let of = |images: &[usize]| mean_precision(&scores, truth, images);
    let (low, high) = interval(truth.len(), SAMPLES, of);
    let positive = truth.iter().flatten().filter(|there| **there == Some(true)).count();
    Ok(Row {
        model: name.into(),
        evaluation: Evaluation {
            step: 0,
            task: "zero_shot".into(),
            dataset: dataset.name.clone(),
            metric: dataset.metric.name().into(),
            value: of(&all),
            low,
            high,
            // Precision without any order is the share of what is there.
            chance: positive as f64 / (truth.len() * names.len()).max(1) as f64,
            n: truth.len(),
            classes: names.len(),
        },
        published: None,
    })
}

/// Over the classes that are in one of the images at least.
fn mean_precision(scores: &[&[f32]], truth: &[Vec<Option<bool>>], images: &[usize]) -> f64 {
    let classes = truth.first().map_or(0, Vec::len);
    let precision = |class: usize| {
        let counted = images.iter().filter_map(|at| Some((scores[*at][class], truth[*at][class]?)));
        let (scores, positive): (Vec<f32>, Vec<bool>) = counted.unzip();
        average_precision_11_point(&scores, &positive)
    };
    let found: Vec<f64> = (0..classes).map(precision).filter(|value| value.is_finite()).collect();
    found.iter().sum::<f64>() / found.len() as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_count_is_left_out() {
        let scores = [[0.9, 0.1], [0.8, 0.2], [0.7, 0.3]];
        let scores: Vec<&[f32]> = scores.iter().map(|row| &row[..]).collect();
        let truth = [
            vec![None, Some(false)],
            vec![Some(true), Some(false)],
            vec![Some(false), Some(false)],
        ];
        // The first class is found first of those that count; the second is nowhere.
        assert_eq!(mean_precision(&scores, &truth, &[0, 1, 2]), 1.0);
        let hidden = vec![vec![Some(false), None], truth[1].clone(), truth[2].clone()];
        assert!((mean_precision(&scores, &hidden, &[0, 1, 2]) - 0.5).abs() < 1e-12);
    }
}
