use clip_data::Split;
use clip_model::Pretrained;

use super::super::{Outcome, zero_shot_multilabel};
use super::encoder::Encoder;
use super::kept::identity;
use super::{Benchmark, BenchmarkError};
use crate::Dataset;

impl Benchmark<'_> {
    /// Any number of classes is named.
    pub(super) fn multilabel(
        &mut self,
        encoder: &Encoder<'_>,
        clip: &Pretrained,
        dataset: &'static Dataset,
    ) -> Result<(), BenchmarkError> {
        let opened = dataset.open_multilabel(&self.config.data, Split::Test, self.config.any_count);
        let Some(images) = self.there(encoder, dataset, opened) else { return Ok(()) };
        let truth = images.truth();
        self.kept(encoder, dataset, ("zero-shot", identity(&truth)), |benchmark| {
            // What is there tells the images from others.
            let count = |truth: &Vec<Option<bool>>| truth.iter().flatten().filter(|t| **t).count();
            let labels: Vec<usize> = truth.iter().map(count).collect();
            let get = |index| images.image(index);
            let features = benchmark.encoded(encoder, clip, (dataset, "test"), &labels, get)?;
            let classifiers = benchmark.classifiers(encoder);
            let named = (encoder.name.as_str(), clip, &classifiers);
            let row = zero_shot_multilabel(named, dataset, truth, &features)?;
            Ok(Some(Outcome::of(vec![row])))
        })
    }
}
