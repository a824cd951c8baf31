use burn::tensor::{Device, TensorData};
use serde::Deserialize;

use super::*;

/// What scikit-learn makes of features; see `tests/reference/make_probe.py`.
#[derive(Deserialize)]
struct Golden {
    features: Vec<Vec<f32>>,
    labels: Vec<usize>,
    classes: usize,
    test_features: Vec<Vec<f32>>,
    fits: Vec<Fit>,
}

#[derive(Deserialize)]
struct Fit {
    lambda: f64,
    objective: f64,
    /// Of the test features.
    classes: Vec<usize>,
}

fn tensor(rows: &[Vec<f32>]) -> Tensor<2> {
    let shape = [rows.len(), rows[0].len()];
    Tensor::from_data(TensorData::new(rows.concat(), shape), &Device::flex())
}

#[test]
fn fits_equal_those_of_scikit_learn() {
    let goldens: Vec<Golden> =
        serde_json::from_str(include_str!("../../tests/goldens/probe.json")).unwrap();
    for golden in goldens {
        let (features, test) = (tensor(&golden.features), tensor(&golden.test_features));
        for fit in golden.fits {
            let options =
                ProbeOptions { lambda: fit.lambda, tolerance: 1e-6, ..ProbeOptions::default() };
            let ours = LinearProbe::fit(features.clone(), &golden.labels, golden.classes, options)
                .unwrap();
            let relative = (ours.objective - fit.objective).abs() / fit.objective;
            let named = format!("{} classes, lambda {}", golden.classes, fit.lambda);
            assert!(ours.converged && relative < 1e-6, "{named}: {relative}, {ours:?}");
            let predictions = ours.probe.classify(test.clone(), &fit.classes);
            assert!(predictions.iter().all(|prediction| prediction.rank == 0), "{named}");
        }
    }
}

/// Two classes that one of two features tells apart, but for every tenth label.
fn points(from: usize) -> (Tensor<2>, Vec<usize>) {
    let label = |i: usize| (i + usize::from(i.is_multiple_of(10))) % 2;
    let row = |i: usize| vec![(i % 2) as f32 - 0.5, ((7 * i % 11) as f32 - 5.0) / 5.0];
    let rows: Vec<Vec<f32>> = (from..from + 60).map(row).collect();
    (tensor(&rows), (from..from + 60).map(label).collect())
}

#[test]
fn the_search_finds_a_strength_that_does_best() {
    let ((train, train_labels), (validation, labels)) = (points(0), points(1000));
    let search = search_lambda(
        Labelled { features: &train, labels: &train_labels },
        Labelled { features: &validation, labels: &labels },
        2,
        ProbeOptions::default(),
        |predictions| predictions.iter().filter(|p| p.rank == 0).count() as f64 / 60.0,
    )
    .unwrap();
    let best = search.tried.iter().map(|(_, score)| *score).fold(0.0, f64::max);
    assert!((best - 0.9).abs() < 1e-12, "{search:?}");
    assert!(search.tried.contains(&(search.lambda, best)) && search.tried.len() <= 15);
    assert!(search.tried.windows(2).all(|pair| pair[0].0 < pair[1].0));
}

#[test]
fn what_cannot_be_fitted_is_an_error_that_says_so() {
    let (features, labels) = points(0);
    let fit = |features: &Tensor<2>, labels: &[usize], classes, lambda| {
        let options = ProbeOptions { lambda, ..ProbeOptions::default() };
        LinearProbe::fit(features.clone(), labels, classes, options).unwrap_err()
    };
    let lengths = ProbeError::Lengths { features: 60, labels: 59 };
    assert_eq!(fit(&features, &labels[1..], 2, 1.0), lengths);
    let mut wrong = labels.clone();
    wrong[7] = 2;
    assert_eq!(
        fit(&features, &wrong, 2, 1.0),
        ProbeError::Label { index: 7, label: 2, classes: 2 }
    );
    assert_eq!(fit(&features, &labels, 1, 1.0), ProbeError::TooFew { classes: 1, features: 60 });
    assert_eq!(fit(&features, &labels, 2, -1.0), ProbeError::Lambda { lambda: -1.0 });
    let mut rows: Vec<Vec<f32>> = vec![vec![0.0, 1.0]; 60];
    rows[3][1] = f32::NAN;
    assert_eq!(fit(&tensor(&rows), &labels, 2, 1.0), ProbeError::NotFinite { index: 3 });
}
