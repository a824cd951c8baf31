use burn::tensor::Tensor;
use clip_model::ZeroShotClassifier;

use crate::Prediction;
use crate::zero_shot::predict;

/// Images whose scores for all words are held at once.
const BATCH: usize = 256;

/// Classifies each image among a few of the classes, its lexicon, by language alone.
///
/// An image whose lexicon lacks its class is not recognised: its rank is past every other.
/// `logit_scale` is as in [`classify`](crate::classify).
///
/// # Shapes
///
/// - image_features: `[images, embed]`, normalised
/// - labels, lexicons: for each image its class and the classes to choose from, at least one, as
///   indices into those of the classifier
pub fn classify_among(
    classifier: &ZeroShotClassifier,
    image_features: &Tensor<2>,
    (labels, lexicons): (&[usize], &[Vec<usize>]),
    logit_scale: f32,
) -> Vec<Prediction> {
    let [classes, _] = classifier.weights.dims();
    let mut predictions = Vec::with_capacity(labels.len());
    for (batch, lexicons) in lexicons.chunks(BATCH).enumerate() {
        let start = batch * BATCH;
        let features = image_features.clone().narrow(0, start, lexicons.len());
        let scores: Vec<f32> = classifier.forward(features).into_data().iter().collect();
        let images = scores.chunks_exact(classes).zip(lexicons).zip(&labels[start..]);
        predictions.extend(
            images.map(|((scores, lexicon), label)| among(scores, lexicon, *label, logit_scale)),
        );
    }
    predictions
}

fn among(scores: &[f32], lexicon: &[usize], label: usize, logit_scale: f32) -> Prediction {
    let scores: Vec<f32> = lexicon.iter().map(|class| scores[*class]).collect();
    let place = lexicon.iter().position(|class| *class == label);
    let chosen = predict(&scores, place.unwrap_or(0), logit_scale);
    Prediction {
        label,
        rank: if place.is_some() { chosen.rank } else { lexicon.len() },
        guesses: chosen.guesses.into_iter().map(|(at, p)| (lexicon[at], p)).collect(),
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;

    use super::*;

    #[test]
    fn only_the_words_of_an_images_own_lexicon_count() {
        let device = Device::flex();
        let weights =
            Tensor::<1>::from_data([1.0f32, 0.0, 0.8, 0.6, 0.0, 1.0], &device).reshape([3, 2]);
        let classifier = ZeroShotClassifier { weights };
        // More images than are scored at once, all alike: most like the first word, then the second.
        let count = BATCH + 4;
        let features = Tensor::<1>::from_data([1.0f32, 0.1], &device).reshape([1, 2]);
        let features = features.repeat_dim(0, count);
        let mut lexicons = vec![vec![0, 1, 2]; count];
        lexicons[BATCH + 1] = vec![2, 1];
        lexicons[BATCH + 2] = vec![0, 2];
        let labels = vec![1; count];
        let predictions = classify_among(&classifier, &features, (&labels, &lexicons), 1.0);
        let ranks: Vec<usize> = predictions.iter().map(|prediction| prediction.rank).collect();
        assert!(ranks[..BATCH + 1].iter().all(|rank| *rank == 1), "{ranks:?}");
        assert_eq!(ranks[BATCH + 1..], [0, 2, 1]);
        let guesses: Vec<usize> =
            predictions[BATCH + 1].guesses.iter().map(|guess| guess.0).collect();
        assert_eq!((guesses, predictions[0].label), (vec![1, 2], 1));
    }
}
