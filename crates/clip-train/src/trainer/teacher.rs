use burn::tensor::{Device, Tensor};
use clip_model::preprocess::ImageTransform;
use clip_model::{Clip, Mode, Tokenizer};

use crate::{Pairs, TeacherFeatures, TrainError};

/// The CLIP that another is distilled from.
pub(super) struct Teacher {
    model: Clip,
}

impl Teacher {
    /// A teacher must read the student's batches as they are: same images, same token ids.
    pub fn load(
        weights: &str,
        tokenizer: &Tokenizer,
        transform: &ImageTransform,
        device: &Device,
    ) -> Result<Self, TrainError> {
        let loaded = Clip::from_pretrained(weights, device)?;
        let probe = "a photo of 2 cats, and more; Ünïcode 漢字";
        let same_tokens = loaded.tokenizer()?.encode(probe) == tokenizer.encode(probe);
        if loaded.transform != *transform || !same_tokens {
            return Err(TrainError::Setting(format!(
                "the teacher {weights} wants other images or tokens than the model it is to teach: \
                 image size, mean and deviation, and tokenizer must be the same"
            )));
        }
        Ok(Self { model: loaded.model })
    }

    /// What the teacher makes of a batch, encoded in parts of at most `size` pairs.
    pub fn features(&self, batch: &Pairs, size: usize) -> TeacherFeatures {
        let (images, texts): (Vec<_>, Vec<_>) = batch
            .inner()
            .chunks(size)
            .map(|chunk| {
                let images = self.model.image_features(chunk.images, Mode::Evaluation);
                (images, self.model.text_features(chunk.tokens))
            })
            .unzip();
        TeacherFeatures {
            images: Tensor::cat(images, 0),
            texts: Tensor::cat(texts, 0),
            logit_scale: self.model.logit_scale.val(),
        }
    }
}
