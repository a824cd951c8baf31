use clip_data::{Lexicon, Split};
use clip_model::Pretrained;

use super::super::model::projected;
use super::super::{Outcome, Row};
use super::encoder::Encoder;
use super::kept::identity;
use super::{Benchmark, BenchmarkError};
use crate::{Dataset, classify_among};

/// Words of a small lexicon.
const SMALL: usize = 50;

impl Benchmark<'_> {
    /// One of the words of each image's own lexicon is read: `zero_shot` among its 1,000 words, as in
    /// the paper's table 14, and `zero_shot_50` among its 50.
    pub(super) fn lexicon(
        &mut self,
        encoder: &Encoder<'_>,
        clip: &Pretrained,
        dataset: &'static Dataset,
    ) -> Result<(), BenchmarkError> {
        let opened = dataset.open_lexicon(&self.config.data, Split::Test, self.config.any_count);
        let Some(set) = self.there(encoder, dataset, opened) else { return Ok(()) };
        let (words, truth) = (set.words(), set.truth());
        let (small, medium) = (set.lexicons(Lexicon::Small), set.lexicons(Lexicon::Medium));
        let templates = dataset.templates().0;
        let of = identity(&(words, truth, small, medium, templates));
        self.kept(encoder, dataset, ("zero-shot", of), |benchmark| {
            let get = |index| set.image(index);
            let features = benchmark.encoded(encoder, clip, (dataset, "test"), truth, get)?;
            let names: Vec<Vec<String>> = words.iter().map(|word| vec![word.clone()]).collect();
            let classifier = benchmark.classifiers(encoder).get(clip, &names, templates)?;
            let (images, scale) = projected(clip, &features.features);
            let row = |task, lexicons, classes| {
                let predictions = classify_among(&classifier, &images, (truth, lexicons), scale);
                Row::of(&encoder.name, dataset, task, &predictions, classes)
            };
            let rows =
                vec![row("zero_shot", medium, dataset.classes), row("zero_shot_50", small, SMALL)];
            Ok(Some(Outcome::of(rows)))
        })?;
        Ok(())
    }
}
