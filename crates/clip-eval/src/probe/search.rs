//! The paper's search for the strength of the regularisation.

use std::collections::BTreeMap;

use burn::tensor::Tensor;

use super::logistic::Logistic;
use super::{ProbeError, ProbeFit, ProbeOptions, check};
use crate::Prediction;

/// Strengths a decade.
const A_DECADE: i32 = 8;

/// The strengths reach from `10^-6` to `10^6`.
const DECADES: i32 = 6;

/// Between the first strengths that are tried: two decades.
const FIRST_STRIDE: i32 = 2 * A_DECADE;

/// Features with their labels.
#[derive(Clone, Copy, Debug)]
pub struct Labelled<'a> {
    /// `[samples, width]`.
    pub features: &'a Tensor<2>,
    /// One for each sample.
    pub labels: &'a [usize],
}

/// What the search for a regularisation found.
#[derive(Clone, Debug)]
pub struct LambdaSearch {
    /// The best strength; of several, the strongest.
    pub lambda: f64,
    /// Every strength that was tried, from the weakest, with its score on the validation set.
    pub tried: Vec<(f64, f64)>,
}

/// Searches the strength of the regularisation that scores best on the validation set.
///
/// The paper's search (appendix A.3): of 96 steps from 1e-6 to 1e6, eight a decade, first every second
/// decade, then halfway beside the best one, until its neighbours are known. `score` tells how
/// good predictions of the validation set are, more being better: accuracy, or the data set's own
/// metric.
///
/// # Errors
///
/// See [`ProbeError`].
pub fn search_lambda(
    train: Labelled<'_>,
    validation: Labelled<'_>,
    classes: usize,
    options: ProbeOptions,
    score: impl Fn(&[Prediction]) -> f64,
) -> Result<LambdaSearch, ProbeError> {
    check(train.features, train.labels, classes)?;
    check(validation.features, validation.labels, classes)?;
    let objective = Logistic::new(train.features.clone(), train.labels, classes);
    let mut start: Option<Vec<f64>> = None;
    search(|lambda| {
        let options = ProbeOptions { lambda, ..options };
        let fit = ProbeFit::from(start.take(), &objective, options)?;
        let scored = score(&fit.probe.classify(validation.features.clone(), validation.labels));
        start = Some(fit.parameters);
        Ok(scored)
    })
}

/// The same for whatever `score` fits with a strength; it is told the strongest first.
pub(crate) fn search(
    mut score: impl FnMut(f64) -> Result<f64, ProbeError>,
) -> Result<LambdaSearch, ProbeError> {
    let tried = best_step(|step| score(lambda_of(step)))?;
    let best = best_of(&tried);
    let tried = tried.into_iter().map(|(step, score)| (lambda_of(step), score)).collect();
    Ok(LambdaSearch { lambda: lambda_of(best), tried })
}

fn lambda_of(step: i32) -> f64 {
    10f64.powf(f64::from(step) / f64::from(A_DECADE))
}

/// The step of the best score; of several, the last.
fn best_of(tried: &BTreeMap<i32, f64>) -> i32 {
    let best = tried.iter().max_by(|a, b| a.1.total_cmp(b.1).then(a.0.cmp(b.0)));
    best.map_or(0, |(step, _)| *step)
}

/// Tries steps until both neighbours of the best one are tried.
fn best_step(
    mut score: impl FnMut(i32) -> Result<f64, ProbeError>,
) -> Result<BTreeMap<i32, f64>, ProbeError> {
    let end = DECADES * A_DECADE;
    let mut tried = BTreeMap::new();
    // From the strongest on: each fit starts where the one before ended, and near zero is easy.
    for step in (-end..=end).rev().step_by(FIRST_STRIDE as usize) {
        tried.insert(step, score(step)?);
    }
    let mut stride = FIRST_STRIDE / 2;
    while stride > 0 {
        let best = best_of(&tried);
        for step in [best + stride, best - stride] {
            if step.abs() <= end && !tried.contains_key(&step) {
                tried.insert(step, score(step)?);
            }
        }
        stride /= 2;
    }
    Ok(tried)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peak_at(peak: i32) -> (i32, usize) {
        let tried = best_step(|step| Ok(-f64::from((step - peak).abs()))).unwrap();
        (best_of(&tried), tried.len())
    }

    #[test]
    fn a_single_peak_is_found_to_an_eighth_of_a_decade() {
        for peak in -48..=48 {
            let (found, tried) = peak_at(peak);
            assert_eq!(found, peak);
            assert!(tried <= 15, "{tried} fits");
        }
    }

    #[test]
    fn of_equals_the_strongest_regularisation_is_taken() {
        let tried = best_step(|_| Ok(0.5)).unwrap();
        assert_eq!(best_of(&tried), 48);
        assert!((lambda_of(48) - 1e6).abs() < 1e-3 && (lambda_of(-4) - 0.316).abs() < 1e-3);
    }
}
