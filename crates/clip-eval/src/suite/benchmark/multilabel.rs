use clip_data::{Split, VocImages};

use super::super::{Features, Outcome, fit_multilabel_probe, zero_shot_multilabel};
use super::encoder::Encoder;
use super::kept::identity;
use super::{Benchmark, BenchmarkError, BenchmarkTask, MeasureError};
use crate::Dataset;

impl Benchmark<'_> {
    /// Any number of classes is named: by language, and by what is learned from examples.
    pub(super) fn multilabel(
        &mut self,
        encoder: &Encoder<'_>,
        dataset: &'static Dataset,
    ) -> Result<(), BenchmarkError> {
        let open = |split, data: &Self| {
            dataset.open_multilabel(&data.config.data, split, data.config.any_count)
        };
        let opened = open(Split::Test, self);
        let Some(test) = self.there(encoder, dataset, opened) else { return Ok(()) };
        let tasks = self.config.tasks.clone();
        if let Some(clip) = encoder.clip.filter(|_| tasks.contains(&BenchmarkTask::ZeroShot)) {
            let of = identity(&test.truth());
            self.kept(encoder, dataset, ("zero-shot", of), |benchmark| {
                let Some(features) = benchmark.features_of(encoder, (dataset, "test"), &test)?
                else {
                    return Ok(None);
                };
                let classifiers = benchmark.classifiers(encoder);
                let named = (encoder.name.as_str(), clip, &classifiers);
                let row = zero_shot_multilabel(named, dataset, test.truth(), &features)?;
                Ok(Some(Outcome::of(vec![row])))
            })?;
        }
        if !tasks.contains(&BenchmarkTask::LinearProbe) {
            return Ok(());
        }
        let train = match open(Split::Train, self) {
            Ok(train) => train,
            Err(error) => {
                self.absent(dataset, format!("no probe: {error}"));
                return Ok(());
            }
        };
        let of = identity(&(train.truth(), test.truth()));
        self.kept(encoder, dataset, ("linear-probe", of), |benchmark| {
            let train_features = benchmark.features_of(encoder, (dataset, "train"), &train)?;
            let test_features = benchmark.features_of(encoder, (dataset, "test"), &test)?;
            let (Some(from), Some(on)) = (train_features, test_features) else { return Ok(None) };
            let of = (encoder.name.as_str(), dataset);
            let row = fit_multilabel_probe(of, (&from, train.truth()), (&on, test.truth()))?;
            Ok(Some(Outcome::of(vec![row])))
        })?;
        Ok(())
    }

    fn features_of(
        &self,
        encoder: &Encoder<'_>,
        (dataset, split): (&Dataset, &str),
        images: &VocImages,
    ) -> Result<Option<Features>, MeasureError> {
        // What is there tells the images from others.
        let count = |truth: &Vec<Option<bool>>| truth.iter().flatten().filter(|t| **t).count();
        let labels: Vec<usize> = images.truth().iter().map(count).collect();
        self.features(encoder, (dataset, split), &labels, |index| images.image(index))
    }
}
