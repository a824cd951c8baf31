use burn::tensor::Tensor;
use clip_model::ZeroShotClassifier;

use crate::rank::{rank, top};
use crate::{Evaluation, Source};

/// What a classifier said about one image.
#[derive(Clone, Debug, PartialEq)]
pub struct Prediction {
    /// The right class.
    pub label: usize,
    /// How many classes scored at least as high as the right one.
    pub rank: usize,
    /// The five likeliest classes with their probabilities, likeliest first.
    pub guesses: Vec<(usize, f32)>,
}

/// Classifies images by language alone.
///
/// `logit_scale` is the factor on cosine similarities; it shapes the probabilities and not the
/// ranks.
///
/// # Shapes
///
/// - image_features: `[images, embed]`, normalised, one for each of `labels`
pub fn classify(
    classifier: &ZeroShotClassifier,
    image_features: Tensor<2>,
    labels: &[usize],
    logit_scale: f32,
) -> Vec<Prediction> {
    let [classes, _] = classifier.weights.dims();
    let scores: Vec<f32> = classifier.forward(image_features).into_data().iter().collect();
    let rows = scores.chunks_exact(classes).zip(labels);
    rows.map(|(scores, label)| predict(scores, *label, logit_scale)).collect()
}

pub(crate) fn predict(scores: &[f32], label: usize, logit_scale: f32) -> Prediction {
    let best = top(scores, 5);
    let peak = scores[best[0]];
    let weight = |score: f32| (logit_scale * (score - peak)).exp();
    let sum: f32 = scores.iter().map(|score| weight(*score)).sum();
    let guesses = best.into_iter().map(|class| (class, weight(scores[class]) / sum)).collect();
    Prediction { label, rank: rank(scores, label), guesses }
}

/// Top-1 and top-5 accuracy of predictions among `classes` classes.
pub fn accuracy(source: Source<'_>, predictions: &[Prediction], classes: usize) -> Vec<Evaluation> {
    let ranks: Vec<usize> = predictions.iter().map(|prediction| prediction.rank).collect();
    let row = |k: usize| {
        let chance = (k as f64 / classes as f64).min(1.0);
        source.share(("zero_shot", format!("top{k}")), &ranks, k, chance, classes)
    };
    vec![row(1), row(5)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn probabilities_follow_the_scale() {
        let prediction = predict(&[0.0, 1.0, 0.5], 2, 2.0);
        let expected = 1.0 / (1.0 + (-1.0f32).exp() + (-2.0f32).exp());
        assert_eq!((prediction.rank, prediction.guesses[0].0), (1, 1));
        assert!((prediction.guesses[0].1 - expected).abs() < 1e-6);
    }

    #[test]
    fn accuracy_counts_ranks_and_knows_chance() {
        let at = |rank| Prediction { label: 0, rank, guesses: Vec::new() };
        let source = Source { step: 7, dataset: "test" };
        let rows = accuracy(source, &[at(0), at(3), at(9), at(4)], 50);
        let values: Vec<_> = rows.iter().map(|row| (row.value, row.chance, row.step)).collect();
        assert_eq!(values, [(0.25, 0.02, 7), (0.75, 0.1, 7)]);
    }
}
