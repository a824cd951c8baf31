use clip_model::Pretrained;

use super::super::{Outcome, zero_shot_rare_act};
use super::encoder::Encoder;
use super::kept::identity;
use super::{Benchmark, BenchmarkError};
use crate::Dataset;

impl Benchmark<'_> {
    /// Actions are found among what looks like them, by the middle frame and by several.
    pub(super) fn rare_act(
        &mut self,
        encoder: &Encoder<'_>,
        clip: &Pretrained,
        dataset: &'static Dataset,
    ) -> Result<(), BenchmarkError> {
        let opened = dataset.open_rare_act(&self.config.data, self.config.any_count);
        let Some(set) = self.there(encoder, dataset, opened) else { return Ok(()) };
        let of = identity(&(set.segments(), dataset.templates().0));
        let several = Some(self.config.frames).filter(|frames| *frames > 1);
        for frames in [Some(1), several].into_iter().flatten() {
            self.kept(
                encoder,
                dataset,
                (&format!("zero-shot-frames-{frames}"), of),
                |benchmark| {
                    // What was said tells the images from others.
                    let labels = set.segments().iter().map(|segment| identity(segment) as usize);
                    let labels: Vec<usize> = labels.flat_map(|label| vec![label; frames]).collect();
                    let get = |at| set.frame(at / frames, at % frames, frames);
                    let part = format!("test-frames-{frames}");
                    let features =
                        benchmark.encoded(encoder, clip, (dataset, &part), &labels, get)?;
                    let classifiers = benchmark.classifiers(encoder);
                    let named = (encoder.name.as_str(), clip, &classifiers);
                    let rows = zero_shot_rare_act(named, dataset, &set, (&features, frames))?;
                    Ok(Some(Outcome::of(rows)))
                },
            )?;
        }
        Ok(())
    }
}
