use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use thiserror::Error;

use super::{Features, Row, score};
use crate::{Dataset, LinearProbe, ProbeError, ProbeOptions};

/// Images of each class that are learned from (paper, figure 6).
pub const SHOTS: [usize; 5] = [1, 2, 4, 8, 16];

/// Draws of images for each number.
const DRAWS: u64 = 3;

/// Of few images none can be held out to choose it by: one over 0.316, the `C` of OpenAI's example.
const LAMBDA: f64 = 1.0 / 0.316;

/// Why there is no few-shot result.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum FewShotError {
    /// A class has too few images.
    #[error("class {class} has {found} images to learn from, and {shots} are needed")]
    TooFew {
        /// The class's number.
        class: usize,
        /// Its images.
        found: usize,
        /// How many are drawn of each.
        shots: usize,
    },
    /// There is no probe.
    #[error(transparent)]
    Probe(#[from] ProbeError),
}

/// Fits linear probes to `shots` images of each class, drawn three times, and returns the mean of the
/// data set's own metric; its interval here is from the lowest to the highest of the three.
///
/// # Errors
///
/// When a class has fewer images, or see [`ProbeError`].
pub fn few_shot(
    name: &str,
    dataset: &Dataset,
    classes: usize,
    shots: usize,
    (train, test): (&Features, &Features),
) -> Result<Row, FewShotError> {
    let mut of_class = vec![Vec::new(); classes];
    for (image, label) in train.labels.iter().enumerate() {
        if let Some(of_class) = of_class.get_mut(*label) {
            of_class.push(image);
        }
    }
    if let Some(class) = of_class.iter().position(|images| images.len() < shots) {
        return Err(FewShotError::TooFew { class, found: of_class[class].len(), shots });
    }
    let mut rows = Vec::new();
    for draw in 0..DRAWS {
        let mut random = ChaCha8Rng::seed_from_u64(draw);
        let drawn = of_class.iter().flat_map(|images| {
            let mut images = images.clone();
            images.partial_shuffle(&mut random, shots).0.to_vec()
        });
        let part = train.select(&drawn.collect::<Vec<_>>());
        let options = ProbeOptions { lambda: LAMBDA, ..ProbeOptions::default() };
        let fit = LinearProbe::fit(part.features, &part.labels, classes, options)?;
        let predictions = fit.probe.classify(test.features.clone(), &test.labels);
        let task = format!("few_shot_{shots}");
        rows.push((score(dataset.metric, &predictions, classes), task, predictions));
    }
    let values: Vec<f64> = rows.iter().map(|row| row.0).collect();
    let (_, task, predictions) = &rows[0];
    let mut row = Row::of(name, dataset, task, predictions, classes);
    row.evaluation.value = values.iter().sum::<f64>() / values.len() as f64;
    row.evaluation.low = values.iter().copied().fold(f64::INFINITY, f64::min);
    row.evaluation.high = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    Ok(row)
}

#[cfg(test)]
mod tests {
    use burn::tensor::{Device, Distribution, Tensor};

    use super::*;
    use crate::dataset;

    fn noisy(images: usize) -> Features {
        let device = Device::flex();
        device.seed(0);
        let labels: Vec<usize> = (0..images).map(|image| image % 10).collect();
        let ids: Vec<i64> = labels.iter().map(|label| *label as i64).collect();
        let hot = Tensor::<1, burn::tensor::Int>::from_data(ids.as_slice(), &device)
            .one_hot::<2>(10)
            .float();
        let noise = Tensor::random([images, 10], Distribution::Normal(0.0, 0.5), &device);
        Features { features: hot + noise, labels }
    }

    #[test]
    fn more_images_teach_more() {
        let (train, test) = (noisy(400), noisy(400));
        let mnist = dataset("mnist").unwrap();
        let of = |shots| few_shot("a", mnist, 10, shots, (&train, &test)).unwrap().evaluation;
        let (one, sixteen) = (of(1), of(16));
        assert!(sixteen.value > one.value + 0.1, "{} {}", one.value, sixteen.value);
        assert!(one.low <= one.value && one.value <= one.high && one.task == "few_shot_1");
        assert_eq!(of(1), one);
    }

    #[test]
    fn a_class_with_too_few_images_is_named() {
        let features = noisy(15);
        let mnist = dataset("mnist").unwrap();
        let error = few_shot("a", mnist, 10, 2, (&features, &features)).unwrap_err();
        assert_eq!(error, FewShotError::TooFew { class: 5, found: 1, shots: 2 });
    }
}
