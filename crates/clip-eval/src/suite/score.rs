use crate::{Metric, Prediction, mean_per_class, roc_auc};

/// A data set's own metric of predictions among `classes` classes, in `0..=1`; NaN where it says
/// nothing.
///
/// [`Metric::Map11`], [`Metric::RecallAt1`], [`Metric::TextScore`], [`Metric::GroupScore`],
/// [`Metric::Within25Km`] and [`Metric::Mwap`] are not metrics of predictions of one class: they are
/// taken for [`Metric::Top1`].
pub fn score(metric: Metric, predictions: &[Prediction], classes: usize) -> f64 {
    let within = |k: usize| {
        let hits = predictions.iter().filter(|prediction| prediction.rank < k).count();
        hits as f64 / predictions.len() as f64
    };
    match metric {
        Metric::MeanPerClass => mean_per_class(predictions, classes),
        Metric::MeanTop1Top5 => 0.5 * (within(1) + within(5)),
        Metric::RocAuc => {
            let second = |prediction: &Prediction| {
                let of_it = prediction.guesses.iter().find(|(class, _)| *class == 1);
                of_it.map_or(0.0, |(_, probability)| *probability)
            };
            let scores: Vec<f32> = predictions.iter().map(second).collect();
            let positive: Vec<bool> = predictions.iter().map(|p| p.label == 1).collect();
            roc_auc(&scores, &positive)
        }
        Metric::Top1
        | Metric::Map11
        | Metric::RecallAt1
        | Metric::TextScore
        | Metric::GroupScore
        | Metric::Within25Km
        | Metric::Mwap => within(1),
    }
}

/// What guessing would give.
pub(super) fn chance(metric: Metric, classes: usize) -> f64 {
    let classes = classes as f64;
    match metric {
        Metric::RocAuc => 0.5,
        Metric::MeanTop1Top5 => 0.5 * (1.0 + classes.min(5.0)) / classes,
        _ => 1.0 / classes,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn predicted(label: usize, rank: usize, of_second: f32) -> Prediction {
        Prediction { label, rank, guesses: vec![(1, of_second), (0, 1.0 - of_second)] }
    }

    #[test]
    fn every_metric_is_its_own() {
        let predictions = [
            predicted(0, 0, 0.1),
            predicted(0, 0, 0.2),
            predicted(0, 1, 0.7),
            predicted(1, 0, 0.6),
        ];
        let of = |metric| score(metric, &predictions, 2);
        assert_eq!((of(Metric::Top1), of(Metric::MeanTop1Top5)), (0.75, 0.875));
        assert!((of(Metric::MeanPerClass) - (2.0 / 3.0 + 1.0) / 2.0).abs() < 1e-12);
        assert!((of(Metric::RocAuc) - 2.0 / 3.0).abs() < 1e-12);
    }

    #[test]
    fn chance_is_that_of_guessing() {
        assert_eq!((chance(Metric::RocAuc, 2), chance(Metric::Top1, 4)), (0.5, 0.25));
        assert!((chance(Metric::MeanTop1Top5, 700) - 3.0 / 700.0).abs() < 1e-12);
    }
}
