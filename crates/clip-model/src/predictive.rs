//! The predictive models that the paper sets out from (section 2.3, figure 2): one names the words
//! of an image's caption in any order, the other writes the caption, word after word.
//!
//! Both are made of CLIP's own parameters, so that nothing but the objective differs: the text
//! projection, transposed, takes an image feature to the width of the text tower, and a word's
//! output vector is its token embedding. The caption model is the text tower itself, causal as it
//! is, whose first position holds the image instead of the start of the text.

use burn::tensor::activation::log_softmax;
use burn::tensor::{DType, Device, IndexingUpdateOp, Int, Tensor, TensorData};

use crate::norm::normalized;
use crate::{Clip, ConfigError, TextConfig, TextPool, TextProjection, TextProjectionKind};

impl TextConfig {
    /// Whether a model with this text tower can predict captions.
    ///
    /// # Errors
    ///
    /// [`ConfigError::Contradiction`] when the tower is not causal, does not end a text with the
    /// largest id, or is not projected by a matrix alone.
    pub fn require_predictive(&self) -> Result<(), ConfigError> {
        let causal = !self.no_causal_mask && !self.embed_cls && self.pool_type == TextPool::Argmax;
        let projected = self.proj_type == TextProjectionKind::Linear && !self.proj_bias;
        match causal && projected {
            true => Ok(()),
            false => Err(ConfigError::Contradiction(
                "predicting captions takes a text tower as CLIP's: a causal mask, the feature at \
                 the end of the text, a projection without bias"
                    .into(),
            )),
        }
    }
}

impl Clip {
    /// The log-probability of each word of the vocabulary to be one drawn from an image's caption.
    ///
    /// # Shapes
    ///
    /// - image_features: `[images, embed]`, not normalised
    /// - output: `[images, vocabulary]`, f32
    pub fn word_log_probs(&self, image_features: Tensor<2>) -> Tensor<2> {
        self.over_vocabulary(self.to_text_width(image_features))
    }

    /// The log-probability of each image's caption, word after word and with its end.
    ///
    /// # Shapes
    ///
    /// - image_features: `[pairs, embed]`, not normalised
    /// - tokens: `[pairs, context]`
    /// - output: `[pairs]`, f32
    pub fn caption_log_likelihood(
        &self,
        image_features: Tensor<2>,
        tokens: Tensor<2, Int>,
    ) -> Tensor<1> {
        let targets = Targets::words_and_end(tokens.clone());
        let positions = targets.positions();
        let x = self.after_image(image_features, tokens.narrow(1, 0, positions));
        let x = self.text.transformer.forward(x, None);
        let [texts, _, width] = x.dims();
        // Padding predicts nothing, and logits are most of the work.
        let at = targets.indices(|target| target.text * positions + target.position, &x.device());
        let x = x.reshape([texts * positions, width]).select(0, at);
        targets.sums(self.over_vocabulary(normalized(&self.text.ln_final, x)))
    }

    /// The text tower's input where the image is in the place of the start of the text,
    /// `[pairs, positions, width]`.
    fn after_image(&self, image_features: Tensor<2>, tokens: Tensor<2, Int>) -> Tensor<3> {
        let [pairs, positions] = tokens.dims();
        let image = self.to_text_width(image_features).unsqueeze_dim(1);
        let x = match positions {
            1 => image,
            _ => {
                let words = tokens.slice([0..pairs, 1..positions]);
                Tensor::cat(vec![image, self.text.token_embedding.forward(words)], 1)
            }
        };
        x + self.text.positional_embedding.val().narrow(0, 0, positions).unsqueeze()
    }

    /// `[images, embed]` to `[images, width]`.
    fn to_text_width(&self, image_features: Tensor<2>) -> Tensor<2> {
        match &self.text.text_projection {
            Some(TextProjection::Matrix(matrix)) => image_features.matmul(matrix.val().transpose()),
            // `TextConfig::require_predictive` refuses the others.
            _ => image_features,
        }
    }

    /// `[rows, width]` to log-probabilities, `[rows, vocabulary]`.
    fn over_vocabulary(&self, x: Tensor<2>) -> Tensor<2> {
        let logits = x.matmul(self.text.token_embedding.weight.val().transpose());
        log_softmax(logits.cast(DType::F32), 1)
    }
}

/// The words of each text as a distribution over the vocabulary, each occurrence with the same share;
/// nothing for a text without words.
///
/// With an image's [`Clip::word_log_probs`], its product is the log-likelihood of a word of the text,
/// whose negative is the loss of Joulin et al. 2016, <https://arxiv.org/abs/1511.02251>, in their
/// multi-class form.
///
/// # Shapes
///
/// - tokens: `[texts, context]`, texts that end with the largest id
/// - output: `[texts, vocabulary]`, f32
pub fn bags_of_words(tokens: Tensor<2, Int>, vocabulary: usize) -> Tensor<2> {
    let device = tokens.device();
    let words = Targets::words(tokens);
    let counts = words.counts();
    let mut bags = vec![0f32; words.texts * vocabulary];
    for word in &words.targets {
        bags[word.text * vocabulary + word.id] += 1.0 / counts[word.text] as f32;
    }
    Tensor::from_data(TensorData::new(bags, [words.texts, vocabulary]), &device)
}

/// A token that is predicted.
struct Target {
    /// Row of its text.
    text: usize,
    /// The position that predicts it.
    position: usize,
    id: usize,
}

/// The tokens of texts that are predicted, on the host.
struct Targets {
    targets: Vec<Target>,
    texts: usize,
}

impl Targets {
    /// The ids between start and end of each text.
    fn words(tokens: Tensor<2, Int>) -> Self {
        Self::of(tokens, 0)
    }

    /// The ids from behind the start of each text to its end.
    fn words_and_end(tokens: Tensor<2, Int>) -> Self {
        Self::of(tokens, 1)
    }

    fn of(tokens: Tensor<2, Int>, ends: usize) -> Self {
        let [texts, context] = tokens.dims();
        let ids: Vec<i64> = tokens.into_data().iter::<i64>().collect();
        let mut targets = Vec::new();
        for (text, row) in ids.chunks_exact(context).enumerate() {
            // The end of the text is the largest id, at its first position.
            let largest = row.iter().max();
            let end = row.iter().position(|id| Some(id) == largest).unwrap_or(0);
            let predicted = row[..end + ends].iter().skip(1).enumerate();
            let target =
                |(position, id): (usize, &i64)| Target { text, position, id: *id as usize };
            targets.extend(predicted.map(target));
        }
        Self { targets, texts }
    }

    /// Targets of each text.
    fn counts(&self) -> Vec<usize> {
        let mut counts = vec![0; self.texts];
        self.targets.iter().for_each(|target| counts[target.text] += 1);
        counts
    }

    /// How many positions predict something, at least one.
    fn positions(&self) -> usize {
        1 + self.targets.iter().map(|target| target.position).max().unwrap_or(0)
    }

    fn indices(&self, of: impl Fn(&Target) -> usize, device: &Device) -> Tensor<1, Int> {
        let indices: Vec<i64> = self.targets.iter().map(|target| of(target) as i64).collect();
        Tensor::from_data(TensorData::new(indices, [self.targets.len()]), device)
    }

    /// The sum over each text's targets, `[texts]`, of their values in `[targets, vocabulary]`.
    fn sums(&self, values: Tensor<2>) -> Tensor<1> {
        let device = values.device();
        let ids = self.indices(|target| target.id, &device);
        let chosen = values.gather(1, ids.unsqueeze_dim(1)).squeeze_dim(1);
        let texts = self.indices(|target| target.text, &device);
        let sums = Tensor::<1>::zeros([self.texts], &device);
        sums.select_assign(0, texts, chosen, IndexingUpdateOp::Add)
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::Distribution;

    use super::*;
    use crate::ClipConfig;

    /// Start 30, end 31, of a vocabulary of 32.
    const START: i64 = 30;
    const END: i64 = 31;

    fn model() -> Clip {
        let config: ClipConfig = serde_json::from_str(
            r#"{
                "embed_dim": 6,
                "vision_cfg": {"image_size": 32, "layers": 1, "width": 8, "head_width": 8, "patch_size": 16},
                "text_cfg": {"context_length": 6, "vocab_size": 32, "width": 8, "heads": 2, "layers": 2}
            }"#,
        )
        .unwrap();
        config.text_cfg.require_predictive().unwrap();
        config.init(&Device::flex(), 3).unwrap()
    }

    fn features(pairs: usize) -> Tensor<2> {
        Tensor::random([pairs, 6], Distribution::Normal(0.0, 3.0), &Device::flex())
    }

    fn tokens(rows: &[[i64; 6]]) -> Tensor<2, Int> {
        Tensor::from_data(TensorData::new(rows.concat(), [rows.len(), 6]), &Device::flex())
    }

    fn values(tensor: Tensor<1>) -> Vec<f32> {
        tensor.into_data().iter().collect()
    }

    const TEXTS: [[i64; 6]; 4] = [
        [START, 5, 7, 5, END, 0],
        [START, END, 0, 0, 0, 0],
        [START, 9, 1, 2, 3, END],
        [START, 9, END, 0, 0, 0],
    ];

    #[test]
    fn words_are_likely_in_any_order() {
        let (model, features) = (model(), features(4));
        let log_probs = model.word_log_probs(features.clone());
        let total = values(log_probs.clone().exp().sum_dim(1).squeeze_dim(1));
        assert!(total.iter().all(|sum| (sum - 1.0).abs() < 1e-5), "{total:?}");
        let log_probs: Vec<f32> = log_probs.into_data().iter().collect();
        let of = |pair: usize, words: &[usize]| {
            words.iter().map(|id| log_probs[32 * pair + id]).sum::<f32>() / words.len() as f32
        };
        let expected = [of(0, &[5, 5, 7]), 0.0, of(2, &[3, 2, 1, 9]), of(3, &[9])];
        let bags = bags_of_words(tokens(&TEXTS), 32);
        let found = values((model.word_log_probs(features) * bags).sum_dim(1).squeeze_dim(1));
        let near = expected.iter().zip(&found).all(|(a, b)| (a - b).abs() < 1e-5);
        assert!(near, "{expected:?} {found:?}");
    }

    /// Each caption by itself, all of its positions, by a loop.
    fn plainly(model: &Clip, feature: Tensor<2>, text: &[i64]) -> f32 {
        let end = text.iter().position(|id| *id == END).unwrap();
        let Some(TextProjection::Matrix(matrix)) = &model.text.text_projection else { panic!() };
        let mut x = vec![feature.matmul(matrix.val().transpose())];
        let embedding = model.text.token_embedding.weight.val();
        x.extend(text[1..end].iter().map(|id| embedding.clone().narrow(0, *id as usize, 1)));
        let x = Tensor::cat(x, 0) + model.text.positional_embedding.val().narrow(0, 0, end);
        let x: Tensor<3> = model.text.transformer.forward(x.unsqueeze(), None);
        let x = normalized(&model.text.ln_final, x).squeeze_dim::<2>(0);
        let log_probs = log_softmax(x.matmul(embedding.transpose()), 1);
        let log_probs: Vec<f32> = log_probs.into_data().iter().collect();
        (0..end).map(|position| log_probs[32 * position + text[position + 1] as usize]).sum()
    }

    #[test]
    fn captions_are_as_likely_as_their_words_one_after_the_other() {
        let (model, features) = (model(), features(4));
        let found = values(model.caption_log_likelihood(features.clone(), tokens(&TEXTS)));
        for (pair, text) in TEXTS.iter().enumerate() {
            let expected = plainly(&model, features.clone().narrow(0, pair, 1), text);
            assert!((expected - found[pair]).abs() < 1e-4, "{pair}: {expected} {}", found[pair]);
        }
    }

    #[test]
    fn a_text_tower_that_sees_what_is_to_come_predicts_nothing() {
        let siglip = ClipConfig::preset("ViT-B-16-SigLIP").unwrap();
        let error = siglip.text_cfg.require_predictive().unwrap_err();
        assert!(error.to_string().contains("causal"), "{error}");
        assert!(ClipConfig::preset("RN50").unwrap().text_cfg.require_predictive().is_ok());
    }
}
