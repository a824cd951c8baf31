use clip_data::LabelledImages;
use clip_model::Pretrained;

use super::super::{Outcome, zero_shot};
use super::encoder::Encoder;
use super::kept::identity;
use super::{Benchmark, BenchmarkError};
use crate::{Dataset, Opened};

impl Benchmark<'_> {
    /// One of several classes is named in other languages than English: the rows `zero_shot_it` and so on.
    pub(super) fn in_languages(
        &mut self,
        encoder: &Encoder<'_>,
        clip: &Pretrained,
        dataset: &'static Dataset,
        test: &Opened,
    ) -> Result<(), BenchmarkError> {
        for language in self.config.languages.clone() {
            let of_all = dataset.in_language(&language);
            let Some((names, templates)) =
                of_all.filter(|(names, _)| names.len() == test.names.len())
            else {
                self.absent(dataset, format!("its classes have no names in `{language}`"));
                continue;
            };
            let labels = test.images.labels();
            let of = identity(&(labels, names, templates));
            self.kept(encoder, dataset, (&format!("zero-shot-{language}"), of), |benchmark| {
                let get = |index| test.images.image(index);
                let features = benchmark.encoded(encoder, clip, (dataset, "test"), labels, get)?;
                let classifiers = benchmark.classifiers(encoder);
                let named = (encoder.name.as_str(), clip, &classifiers);
                let names: Vec<Vec<String>> = names.iter().map(|name| vec![name.clone()]).collect();
                let task = format!("zero_shot_{language}");
                let (row, _) = zero_shot(named, (dataset, &task), (&names, templates), &features)?;
                Ok(Some(Outcome::of(vec![row])))
            })?;
        }
        Ok(())
    }
}
