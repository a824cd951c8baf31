use burn::tensor::Tensor;
use burn::tensor::activation::softmax;
use clip_data::{LabelledImages, LabelledVideos};
use clip_model::{Pretrained, ZeroShotClassifier};

use super::benchmark::MeasureError;
use super::model::projected;
use super::{ClassifierStore, Features, Row};
use crate::zero_shot::predict;
use crate::{Dataset, Opened};

/// Probabilities of single frames that are held at once.
const PROBABILITIES: usize = 1 << 24;

/// Classifies videos by language alone, by their probabilities averaged over `frames` frames each, as
/// the paper's table 15 does (openai/CLIP, issue 207).
///
/// # Shapes
///
/// - features: `[videos * frames, width]`, before the projection, video after video
///
/// # Errors
///
/// When the model has no tokenizer, or the classifier can't be kept.
pub fn zero_shot_frames(
    (name, clip, classifiers): (&str, &Pretrained, &ClassifierStore),
    dataset: &Dataset,
    (opened, videos): (&Opened, &LabelledVideos),
    (features, frames): (&Features, usize),
) -> Result<Row, MeasureError> {
    let classifier = classifiers.get(clip, &opened.names, &opened.templates)?;
    let (images, scale) = projected(clip, &features.features);
    let probabilities = mean_probabilities(&classifier, images, scale, frames);
    let classes = opened.names.len();
    let rows = probabilities.chunks_exact(classes).zip(videos.labels());
    let predictions = rows.map(|(probabilities, label)| {
        // A softmax makes the same probabilities of their logarithms.
        let scores: Vec<f32> = probabilities.iter().map(|share| share.ln()).collect();
        predict(&scores, *label, 1.0)
    });
    let task = format!("zero_shot_frames_{frames}");
    Ok(Row::of(name, dataset, &task, &predictions.collect::<Vec<_>>(), classes))
}

/// The probability of each class, averaged over the frames of each video, video after video.
///
/// # Shapes
///
/// - images: `[videos * frames, embed]`, normalised
pub(super) fn mean_probabilities(
    classifier: &ZeroShotClassifier,
    images: Tensor<2>,
    scale: f32,
    frames: usize,
) -> Vec<f32> {
    let ([classes, _], [count, _]) = (classifier.weights.dims(), images.dims());
    let videos = count / frames;
    let at_once = (PROBABILITIES / (classes * frames)).max(1);
    let blocks = (0..videos).step_by(at_once).map(|first| {
        let block = at_once.min(videos - first);
        let images = images.clone().narrow(0, first * frames, block * frames);
        let shares = softmax(classifier.forward(images).mul_scalar(scale), 1);
        let means = shares.reshape([block, frames, classes]).mean_dim(1);
        means.into_data().iter::<f32>().collect::<Vec<_>>()
    });
    blocks.collect::<Vec<_>>().concat()
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;

    use super::*;

    #[test]
    fn probabilities_are_averaged_and_not_scores() {
        let device = Device::flex();
        let weights = Tensor::<2>::from_data([[1.0, 0.0], [0.0, 1.0]], &device);
        // One frame is sure of the first class; two are for the second, hardly.
        let images = [[1.0, 0.0], [0.0, 0.01], [0.0, 0.01], [0.0, 0.0], [0.0, 0.0], [0.0, 0.0]];
        let images = Tensor::<2>::from_data(images, &device);
        let found = mean_probabilities(&ZeroShotClassifier { weights }, images, 100.0, 3);
        let expected = (1.0 + 2.0 / (1.0 + 1f32.exp())) / 3.0;
        assert!((found[0] - expected).abs() < 1e-5 && found[2..] == [0.5, 0.5], "{found:?}");
        assert_eq!(predict(&[found[0].ln(), found[1].ln()], 1, 1.0).guesses[0].0, 0);
    }
}
