use burn::tensor::activation::softmax;
use burn::tensor::{DType, Tensor};
use clip_model::Pretrained;

use super::benchmark::MeasureError;
use super::bootstrap::interval;
use super::fit::HELD_OUT;
use super::model::projected;
use super::{ClassifierStore, Features, Row};
use crate::probe::search;
use crate::{
    Dataset, Evaluation, LinearProbe, ProbeError, ProbeOptions, average_precision_11_point,
};

/// Samples that the interval is made of.
const SAMPLES: usize = 200;

/// Of an image, for each class, whether it is there; `None` does not count.
pub type Truth = Vec<Option<bool>>;

/// Names all classes of images by language alone: the mean of the classes' 11-point average
/// precisions, of probabilities among all classes, as the paper has it for VOC 2007.
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
    truth: &[Truth],
    features: &Features,
) -> Result<Row, MeasureError> {
    let names: Vec<_> = dataset.names().0.iter().map(|names| names.all().to_vec()).collect();
    let classifier = classifiers.get(clip, &names, dataset.templates().0)?;
    let (images, scale) = projected(clip, &features.features);
    let scores = softmax(classifier.forward(images).mul_scalar(scale), 1);
    Ok(row((name, dataset, "zero_shot"), &rows(scores), truth))
}

/// Fits a linear probe to each class by the paper's protocol (appendix A.3) and returns its row: the
/// regularisation, the same for all, is searched on every fifth image of `train`; then probes are
/// fitted to all of them. Images of which it is not known whether a class is there are no examples of it.
///
/// # Errors
///
/// See [`ProbeError`].
pub fn fit_multilabel_probe(
    (name, dataset): (&str, &Dataset),
    (train, train_truth): (&Features, &[Truth]),
    (test, test_truth): (&Features, &[Truth]),
) -> Result<Row, ProbeError> {
    let part = |held_out: bool| {
        let is_in = |at: &usize| (at % HELD_OUT == HELD_OUT - 1) == held_out;
        let at: Vec<usize> = (0..train_truth.len()).filter(is_in).collect();
        let truth: Vec<Truth> = at.iter().map(|at| train_truth[*at].clone()).collect();
        (train.select(&at), truth)
    };
    let ((part, part_truth), (held_out, held_out_truth)) = (part(false), part(true));
    let all: Vec<usize> = (0..held_out_truth.len()).collect();
    let found = search(|lambda| {
        let scores = probe((&part, &part_truth), &held_out, lambda)?;
        Ok(mean_precision(&scores, &held_out_truth, &all))
    })?;
    let scores = probe((train, train_truth), test, found.lambda)?;
    Ok(row((name, dataset, "linear_probe"), &scores, test_truth))
}

/// The classes' scores of each image, by a probe for each class.
fn probe(
    (train, truth): (&Features, &[Truth]),
    images: &Features,
    lambda: f64,
) -> Result<Vec<Vec<f32>>, ProbeError> {
    let classes = truth.first().map_or(0, Vec::len);
    let (mut weights, mut biases) = (Vec::new(), Vec::new());
    for class in 0..classes {
        let known = |at: &usize| truth[*at][class].is_some();
        let at: Vec<usize> = (0..truth.len()).filter(known).collect();
        let labels: Vec<usize> =
            at.iter().map(|at| usize::from(truth[*at][class] == Some(true))).collect();
        let features = train.select(&at).features;
        let options = ProbeOptions { lambda, ..ProbeOptions::default() };
        let fitted = LinearProbe::fit(features, &labels, 2, options)?.probe;
        weights.push(fitted.weights);
        biases.push(fitted.bias);
    }
    let features = images.features.clone().cast(DType::F32);
    Ok(rows(features.matmul(Tensor::cat(weights, 1)) + Tensor::cat(biases, 1)))
}

/// A row for each image, of `[images, classes]`.
fn rows(scores: Tensor<2>) -> Vec<Vec<f32>> {
    let classes = scores.dims()[1];
    let scores: Vec<f32> = scores.into_data().iter().collect();
    scores.chunks_exact(classes).map(<[f32]>::to_vec).collect()
}

/// The mean of the classes' average precisions, with its interval.
fn row((name, dataset, task): (&str, &Dataset, &str), scores: &[Vec<f32>], truth: &[Truth]) -> Row {
    let all: Vec<usize> = (0..truth.len()).collect();
    let classes = truth.first().map_or(0, Vec::len);
    let of = |images: &[usize]| mean_precision(scores, truth, images);
    let (low, high) = interval(truth.len(), SAMPLES, of);
    let positive = truth.iter().flatten().filter(|there| **there == Some(true)).count();
    Row {
        model: name.into(),
        evaluation: Evaluation {
            step: 0,
            task: task.into(),
            dataset: dataset.name.clone(),
            metric: dataset.metric.name().into(),
            value: of(&all),
            low,
            high,
            // Precision without any order is the share of what is there.
            chance: positive as f64 / (truth.len() * classes).max(1) as f64,
            n: truth.len(),
            classes,
        },
        published: None,
    }
}

/// Over the classes that are in one of the images at least.
fn mean_precision(scores: &[Vec<f32>], truth: &[Truth], images: &[usize]) -> f64 {
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
        let scores = [[0.9, 0.1], [0.8, 0.2], [0.7, 0.3]].map(Vec::from);
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

    /// Two classes, each of which one feature tells, that are there together, alone or not at all.
    #[test]
    fn probes_find_every_class_by_itself() {
        let of = |images: usize| {
            let truth: Vec<Truth> = (0..images)
                .map(|image| vec![Some(image % 2 == 0), (image % 7 != 0).then_some(image % 3 == 0)])
                .collect();
            let rows = truth.iter().enumerate().flat_map(|(image, truth)| {
                let noise = 0.1 * (image as f32).sin();
                let there = |class: usize| f32::from(u8::from(truth[class] == Some(true)));
                [there(0) + noise, there(1) - noise, noise]
            });
            let rows: Vec<f32> = rows.collect();
            let features = Tensor::<1>::from_data(rows.as_slice(), &burn::tensor::Device::flex());
            (Features { features: features.reshape([images, 3]), labels: vec![0; images] }, truth)
        };
        let ((train, train_truth), (test, test_truth)) = (of(90), of(40));
        let of = ("a", crate::dataset("voc2007").unwrap());
        let row = fit_multilabel_probe(of, (&train, &train_truth), (&test, &test_truth)).unwrap();
        assert_eq!((row.evaluation.value, row.evaluation.task.as_str()), (1.0, "linear_probe"));
        assert_eq!((row.evaluation.metric.as_str(), row.evaluation.n), ("map11", 40));
    }
}
