use burn::tensor::Tensor;

use super::{Features, score};
use crate::{Dataset, Labelled, LinearProbe, Prediction, ProbeError, ProbeOptions, search_lambda};

/// One image of so many is held out to choose the regularisation by.
pub(super) const HELD_OUT: usize = 5;

impl Features {
    /// The features with their labels, to be learned from.
    pub fn view(&self) -> Labelled<'_> {
        Labelled { features: &self.features, labels: &self.labels }
    }

    /// Those at these indices, of which there must be one.
    pub fn select(&self, at: &[usize]) -> Self {
        let labels = at.iter().map(|at| self.labels[*at]).collect();
        let at: Vec<i64> = at.iter().map(|at| *at as i64).collect();
        let at = Tensor::from_data(at.as_slice(), &self.features.device());
        Self { features: self.features.clone().select(0, at), labels }
    }

    /// These and then others, of the same width.
    pub fn with(self, other: Self) -> Self {
        let features = Tensor::cat(vec![self.features, other.features], 0);
        Self { features, labels: [self.labels, other.labels].concat() }
    }

    /// Those to fit a probe to while its regularisation is chosen, and those to choose it by: of each
    /// class every fifth.
    pub fn split(&self) -> (Self, Self) {
        let mut seen = vec![0usize; self.labels.iter().max().map_or(0, |label| label + 1)];
        let is_held_out = |label: &usize| {
            seen[*label] += 1;
            seen[*label].is_multiple_of(HELD_OUT)
        };
        let held_out: Vec<bool> = self.labels.iter().map(is_held_out).collect();
        let part = |wanted: bool| {
            let at: Vec<usize> = (0..held_out.len()).filter(|at| held_out[*at] == wanted).collect();
            self.select(&at)
        };
        (part(false), part(true))
    }
}

/// Fits a linear probe by the paper's protocol (appendix A.3): the regularisation is searched on a fifth
/// of `train`, by the data set's own metric; then the probe is fitted to all of it.
///
/// # Errors
///
/// See [`ProbeError`].
pub fn fit_probe(
    dataset: &Dataset,
    classes: usize,
    train: &Features,
) -> Result<LinearProbe, ProbeError> {
    let (part, held_out) = train.split();
    let options = ProbeOptions::default();
    let of = |predictions: &[Prediction]| score(dataset.metric, predictions, classes);
    let found = search_lambda(part.view(), held_out.view(), classes, options, of)?;
    let options = ProbeOptions { lambda: found.lambda, ..options };
    Ok(LinearProbe::fit(train.features.clone(), &train.labels, classes, options)?.probe)
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;

    use super::*;
    use crate::dataset;

    #[test]
    fn a_fifth_of_each_class_is_held_out() {
        let labels: Vec<usize> = (0..30).map(|image| image / 15).collect();
        let features = (0..30).map(|image| image as f32).collect::<Vec<_>>();
        let features =
            Tensor::<1>::from_data(features.as_slice(), &Device::flex()).reshape([30, 1]);
        let (part, held_out) = Features { features, labels }.split();
        assert_eq!((part.labels.len(), held_out.labels), (24, vec![0, 0, 0, 1, 1, 1]));
        assert_eq!(
            held_out.features.into_data().iter::<f32>().collect::<Vec<_>>(),
            [4.0, 9.0, 14.0, 19.0, 24.0, 29.0]
        );
    }

    #[test]
    fn a_probe_learns_what_can_be_told_apart() {
        let labels: Vec<usize> = (0..60).map(|image| image % 10).collect();
        let rows = labels.iter().enumerate().flat_map(|(image, label)| {
            (0..10).map(move |at| f32::from(u8::from(at == *label)) + 0.01 * (image as f32).sin())
        });
        let rows: Vec<f32> = rows.collect();
        let features = Tensor::<1>::from_data(rows.as_slice(), &Device::flex()).reshape([60, 10]);
        let features = Features { features, labels };
        let probe = fit_probe(dataset("mnist").unwrap(), 10, &features).unwrap();
        let predictions = probe.classify(features.features, &features.labels);
        assert!(predictions.len() == 60 && predictions.iter().all(|p| p.rank == 0));
    }
}
