//! Classifiers made of language, kept on disk.

use std::path::PathBuf;

use clip_model::{Pretrained, ZeroShotClassifier};
use sha2::{Digest, Sha256};

use super::benchmark::MeasureError;
use super::model::hexadecimal;
use super::{FeatureError, read_npy, write_npy};

/// A folder of one model's classifiers, by the texts that they are made of.
pub struct ClassifierStore {
    folder: PathBuf,
}

impl ClassifierStore {
    /// Classifiers in `folder`, which need not be there yet.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into() }
    }

    /// One weight vector a class: the mean of all its names in all templates, at `{}`.
    ///
    /// # Errors
    ///
    /// When the model has no tokenizer, or the classifier can't be kept.
    pub fn get(
        &self,
        clip: &Pretrained,
        names: &[Vec<String>],
        templates: &[String],
    ) -> Result<ZeroShotClassifier, MeasureError> {
        let fill = |name: &String| {
            templates.iter().map(|template| template.replace("{}", name)).collect::<Vec<_>>()
        };
        let prompts: Vec<Vec<String>> =
            names.iter().map(|names| names.iter().flat_map(fill).collect()).collect();
        let (tokenizer, device) = (clip.tokenizer()?, clip.model.logit_scale.val().device());
        let mut hash = Sha256::new();
        for prompts in &prompts {
            hash.update((prompts.len() as u64).to_le_bytes());
            tokenizer.encode_batch(prompts).iter().for_each(|id| hash.update(id.to_le_bytes()));
        }
        let path = self.folder.join(format!("{}.npy", hexadecimal(&hash.finalize())));
        if let Ok(weights) = read_npy(&path, &device)
            && weights.dims()[0] == names.len()
        {
            return Ok(ZeroShotClassifier { weights });
        }
        let classifier = ZeroShotClassifier::of_prompts(&clip.model, tokenizer, &prompts);
        write_npy(&path, &classifier.weights).map_err(FeatureError::from)?;
        // As a run that goes on will read it, to the last digit.
        let weights = read_npy(&path, &device).map_err(FeatureError::from)?;
        Ok(ZeroShotClassifier { weights })
    }
}
