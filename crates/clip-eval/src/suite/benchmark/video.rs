use clip_data::LabelledImages;
use clip_model::Pretrained;

use super::super::{Outcome, zero_shot_frames};
use super::encoder::Encoder;
use super::kept::identity;
use super::{Benchmark, BenchmarkError};
use crate::{Dataset, Opened};

impl Benchmark<'_> {
    /// The videos whose middle frames were opened are classified by several frames each.
    pub(super) fn frames(
        &mut self,
        encoder: &Encoder<'_>,
        clip: &Pretrained,
        dataset: &'static Dataset,
        opened: &Opened,
    ) -> Result<(), BenchmarkError> {
        let frames = self.config.frames;
        let videos = dataset.open_videos(&self.config.data, self.config.any_count);
        let Some(videos) = self.there(encoder, dataset, videos) else { return Ok(()) };
        let of = identity(&(videos.labels(), &opened.names, &opened.templates));
        self.kept(encoder, dataset, (&format!("zero-shot-frames-{frames}"), of), |benchmark| {
            let labels = videos.labels().iter().flat_map(|label| vec![*label; frames]);
            let labels: Vec<usize> = labels.collect();
            let get = |at| videos.frame(at / frames, at % frames, frames);
            let part = format!("test-frames-{frames}");
            let features = benchmark.encoded(encoder, clip, (dataset, &part), &labels, get)?;
            let classifiers = benchmark.classifiers(encoder);
            let named = (encoder.name.as_str(), clip, &classifiers);
            let row = zero_shot_frames(named, dataset, (opened, &videos), (&features, frames))?;
            Ok(Some(Outcome::of(vec![row])))
        })?;
        Ok(())
    }
}
