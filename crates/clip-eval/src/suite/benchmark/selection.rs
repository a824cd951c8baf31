use burn::tensor::DType;
use clip_model::{Pretrained, encode_texts};

use super::super::Outcome;
use super::super::model::projected;
use super::encoder::Encoder;
use super::kept::identity;
use super::{Benchmark, BenchmarkError};
use crate::{Dataset, Source, selection};

impl Benchmark<'_> {
    /// Of two captions the one that an image has is chosen. Captions are taken as they are.
    pub(super) fn selection(
        &mut self,
        encoder: &Encoder<'_>,
        clip: &Pretrained,
        dataset: &'static Dataset,
    ) -> Result<(), BenchmarkError> {
        let opened = dataset.open_selection(&self.config.data, self.config.any_count);
        let Some(set) = self.there(encoder, dataset, opened) else { return Ok(()) };
        // Names tell an image from others.
        let labels: Vec<usize> = set.keys().map(|key| identity(&key) as usize).collect();
        let of = identity(&(&labels, set.examples()));
        self.kept(encoder, dataset, ("selection", of), |benchmark| {
            let get = |index| set.image(index);
            let features = benchmark.encoded(encoder, clip, (dataset, "test"), &labels, get)?;
            let (images, _) = projected(clip, &features.features);
            let examples = set.examples().iter();
            let captions: Vec<&str> =
                examples.clone().flat_map(|e| e.captions.each_ref().map(String::as_str)).collect();
            let texts = encode_texts(&clip.model, clip.tokenizer()?, &captions).cast(DType::F32);
            let owners: Vec<&[usize]> = examples.map(|example| &example.images[..]).collect();
            let source = Source { step: 0, dataset: &dataset.name };
            let evaluations = selection(source, images, texts, &owners);
            Ok(Some(Outcome::unpublished(&encoder.name, evaluations)))
        })?;
        Ok(())
    }
}
