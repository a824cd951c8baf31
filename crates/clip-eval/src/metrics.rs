//! The metrics that some data sets have in place of accuracy.

use crate::Prediction;

/// Bins of [`expected_calibration_error`]: torchmetrics' default.
const BINS: usize = 15;

/// Accuracy of each class, averaged over the classes that occur: `balanced_accuracy_score` of
/// scikit-learn, the metric of Aircraft, Pets, Caltech-101 and Flowers (paper, table 9). NaN without
/// predictions.
pub fn mean_per_class(predictions: &[Prediction], classes: usize) -> f64 {
    let (mut hits, mut of) = (vec![0.0; classes], vec![0.0; classes]);
    for prediction in predictions {
        of[prediction.label] += 1.0;
        hits[prediction.label] += f64::from(u8::from(prediction.rank == 0));
    }
    let shares = hits.iter().zip(&of).filter(|(_, of)| **of > 0.0).map(|(hits, of)| hits / of);
    let shares: Vec<f64> = shares.collect();
    shares.iter().sum::<f64>() / shares.len() as f64
}

/// Area under the ROC curve: the probability that a positive scores higher than a negative, of equals
/// a half. scikit-learn's `roc_auc_score`, the metric of Hateful Memes. NaN where all are of one
/// kind.
pub fn roc_auc(scores: &[f32], positive: &[bool]) -> f64 {
    let mut order: Vec<usize> = (0..scores.len()).collect();
    order.sort_by(|a, b| scores[*a].total_cmp(&scores[*b]));
    let (mut negatives, mut wins) = (0.0, 0.0);
    for equals in order.chunk_by(|a, b| scores[*a] == scores[*b]) {
        let positives = equals.iter().filter(|at| positive[**at]).count() as f64;
        let others = equals.len() as f64 - positives;
        wins += positives * (negatives + 0.5 * others);
        negatives += others;
    }
    wins / (negatives * (scores.len() as f64 - negatives))
}

/// The mean over positives of the precision among what scores at least as high: scikit-learn's
/// `average_precision_score`, and CLIP_benchmark's for VOC 2007. NaN without positives.
pub fn average_precision(scores: &[f32], positive: &[bool]) -> f64 {
    weighted_average_precision(scores, positive, &vec![1.0; scores.len()])
}

/// [`average_precision`] where each score counts by its weight, which is above 0: scikit-learn's with
/// `sample_weight`, the metric of RareAct. NaN without positives.
pub fn weighted_average_precision(scores: &[f32], positive: &[bool], weights: &[f64]) -> f64 {
    let curve = precision_recall(scores, positive, weights);
    let mut before = 0.0;
    let area = |sum, (recall, precision): &(f64, f64)| {
        let term = (recall - before) * precision;
        before = *recall;
        sum + term
    };
    if curve.is_empty() { f64::NAN } else { curve.iter().fold(0.0, area) }
}

/// The mean over recalls of 0, 0.1, ..., 1 of the highest precision at no less recall: the metric of
/// the VOC 2007 challenge and of the paper. NaN without positives.
pub fn average_precision_11_point(scores: &[f32], positive: &[bool]) -> f64 {
    let curve = precision_recall(scores, positive, &vec![1.0; scores.len()]);
    if curve.is_empty() {
        return f64::NAN;
    }
    let at = |tenths: u8| {
        let enough = curve.iter().filter(|(recall, _)| *recall >= f64::from(tenths) / 10.0);
        enough.map(|(_, precision)| *precision).fold(0.0, f64::max)
    };
    (0..=10).map(at).sum::<f64>() / 11.0
}

/// Recall and precision at each threshold, from the highest; nothing without positives.
fn precision_recall(scores: &[f32], positive: &[bool], weights: &[f64]) -> Vec<(f64, f64)> {
    let mut order: Vec<usize> = (0..scores.len()).collect();
    order.sort_by(|a, b| scores[*b].total_cmp(&scores[*a]));
    let of = positive.iter().zip(weights).filter(|(positive, _)| **positive);
    let of: f64 = of.map(|(_, weight)| weight).sum();
    let (mut found, mut seen) = (0.0, 0.0);
    let mut curve = Vec::new();
    for equals in order.chunk_by(|a, b| scores[*a] == scores[*b]) {
        let weight = |at: &usize| weights[*at];
        found += equals.iter().filter(|at| positive[**at]).map(weight).sum::<f64>();
        seen += equals.iter().map(weight).sum::<f64>();
        curve.push((found / of, found / seen));
    }
    if of == 0.0 { Vec::new() } else { curve }
}

/// How far confidence is from accuracy, in `0..=1`: the mean difference over 15 bins of the
/// probability of the guessed class, each with the share of its predictions (Guo et al. 2017;
/// torchmetrics' `calibration_error`). NaN without predictions.
pub fn expected_calibration_error(predictions: &[Prediction]) -> f64 {
    let mut bins = [(0.0, 0.0); BINS];
    for prediction in predictions {
        let confidence = prediction.guesses.first().map_or(0.0, |guess| f64::from(guess.1));
        let bin = ((confidence * BINS as f64) as usize).min(BINS - 1);
        bins[bin].0 += confidence;
        bins[bin].1 += f64::from(u8::from(prediction.rank == 0));
    }
    let gap: f64 = bins.iter().map(|(confidence, hits)| (confidence - hits).abs()).sum();
    gap / predictions.len() as f64
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    /// What scikit-learn and torchmetrics make of random inputs; see `tests/reference/make_probe.py`.
    #[derive(Deserialize)]
    struct Golden {
        scores: Vec<f32>,
        positive: Vec<bool>,
        roc_auc: f64,
        average_precision: f64,
        average_precision_11_point: f64,
        /// Of each score, and the average precision by them.
        weights: Vec<f64>,
        weighted_average_precision: f64,
        /// Label, guessed class and its probability.
        predictions: Vec<(usize, usize, f32)>,
        classes: usize,
        mean_per_class: f64,
        calibration_error: f64,
    }

    fn goldens() -> Vec<Golden> {
        serde_json::from_str(include_str!("../tests/goldens/metrics.json")).unwrap()
    }

    fn near(ours: f64, reference: f64) -> bool {
        (ours - reference).abs() < 1e-9
    }

    #[test]
    fn ranking_metrics_equal_the_references() {
        for golden in goldens() {
            let Golden { scores, positive, .. } = &golden;
            assert!(near(roc_auc(scores, positive), golden.roc_auc));
            assert!(near(average_precision(scores, positive), golden.average_precision));
            let ours = weighted_average_precision(scores, positive, &golden.weights);
            assert!(near(ours, golden.weighted_average_precision), "{ours}");
            let ours = average_precision_11_point(scores, positive);
            assert!(near(ours, golden.average_precision_11_point), "{ours}");
        }
    }

    #[test]
    fn metrics_of_predictions_equal_the_references() {
        for golden in goldens() {
            let prediction = |(label, guess, probability): &(usize, usize, f32)| Prediction {
                label: *label,
                rank: usize::from(label != guess),
                guesses: vec![(*guess, *probability)],
            };
            let predictions: Vec<_> = golden.predictions.iter().map(prediction).collect();
            assert!(near(mean_per_class(&predictions, golden.classes), golden.mean_per_class));
            let ours = expected_calibration_error(&predictions);
            // torchmetrics computes in f32.
            assert!((ours - golden.calibration_error).abs() < 1e-6, "{ours}");
        }
    }

    #[test]
    fn what_cannot_be_measured_is_no_number() {
        assert!(roc_auc(&[0.1, 0.2], &[true, true]).is_nan());
        assert!(average_precision(&[0.1, 0.2], &[false, false]).is_nan());
        assert!(average_precision_11_point(&[], &[]).is_nan());
        assert!(mean_per_class(&[], 3).is_nan());
    }
}
