use burn::tensor::DType;
use clip_model::{Pretrained, encode_texts};

use super::super::Outcome;
use super::super::model::projected;
use super::encoder::Encoder;
use super::kept::identity;
use super::{Benchmark, BenchmarkError};
use crate::{Dataset, Source, retrieval};

impl Benchmark<'_> {
    /// Captions are found by images and images by captions.
    pub(super) fn retrieval(
        &mut self,
        encoder: &Encoder<'_>,
        clip: &Pretrained,
        dataset: &'static Dataset,
    ) -> Result<(), BenchmarkError> {
        let opened = dataset.open_pairs(&self.config.data, self.config.any_count);
        let Some(pairs) = self.there(encoder, dataset, opened) else { return Ok(()) };
        let (mut captions, mut owners, mut labels) = (Vec::new(), Vec::new(), Vec::new());
        let template = dataset.templates().0.first().map_or("{}", String::as_str);
        for image in 0..pairs.len() {
            let texts = match pairs.captions(image) {
                Ok(texts) => texts,
                Err(error) => {
                    self.absent(dataset, error.to_string());
                    return Ok(());
                }
            };
            // Captions tell an image from others.
            labels.push(identity(&texts) as usize);
            owners.extend(texts.iter().map(|_| image));
            captions.extend(texts.iter().map(|text| template.replace("{}", text)));
        }
        let of = identity(&(&captions, &owners));
        self.kept(encoder, dataset, ("retrieval", of), |benchmark| {
            let get = |index| pairs.image(index);
            let features = benchmark.encoded(encoder, clip, (dataset, "test"), &labels, get)?;
            let (images, _) = projected(clip, &features.features);
            let texts = encode_texts(&clip.model, clip.tokenizer()?, &captions).cast(DType::F32);
            let source = Source { step: 0, dataset: &dataset.name };
            let evaluations = retrieval(source, images, texts, &owners);
            Ok(Some(Outcome::unpublished(&encoder.name, evaluations)))
        })?;
        Ok(())
    }
}
