use burn::tensor::Tensor;

use crate::{Clip, Tokenizer, normalize};

/// How many prompts are encoded at once.
const PROMPT_BATCH: usize = 256;

/// A classifier made of language alone (paper, section 3.1): one weight vector a class, the
/// normalised mean of the normalised features of its prompts.
#[derive(Clone, Debug)]
pub struct ZeroShotClassifier {
    /// `[classes, embed]`, normalised.
    pub weights: Tensor<2>,
}

impl ZeroShotClassifier {
    /// Embeds each class name in each template; `{}` in a template stands for the name.
    ///
    /// There must be at least one class and one template.
    pub fn new(
        model: &Clip,
        tokenizer: &Tokenizer,
        class_names: &[impl AsRef<str>],
        templates: &[impl AsRef<str>],
    ) -> Self {
        let fill = |name: &str, template: &str| template.replace("{}", name);
        let prompts = |name: &str| templates.iter().map(|t| fill(name, t.as_ref())).collect();
        let prompts: Vec<Vec<String>> = class_names.iter().map(|n| prompts(n.as_ref())).collect();
        Self::of_prompts(model, tokenizer, &prompts)
    }

    /// Embeds the prompts of each class.
    ///
    /// There must be at least one class, and for each at least one prompt.
    pub fn of_prompts(model: &Clip, tokenizer: &Tokenizer, prompts: &[Vec<String>]) -> Self {
        let features = encode_texts(model, tokenizer, &prompts.concat());
        let counts: Vec<usize> = prompts.iter().map(Vec::len).collect();
        let means = features.split_with_sizes(counts, 0).into_iter().map(|x| x.mean_dim(0));
        Self { weights: normalize(Tensor::cat(means.collect(), 0)) }
    }

    /// Cosine similarity of each image with each class.
    ///
    /// # Shapes
    ///
    /// - image_features: `[batch, embed]`, normalised
    /// - output: `[batch, classes]`
    pub fn forward(&self, image_features: Tensor<2>) -> Tensor<2> {
        image_features.matmul(self.weights.clone().transpose())
    }
}

/// Normalised features of texts, `[texts, embed]`, encoded in batches of one size.
///
/// There must be at least one text.
pub fn encode_texts(model: &Clip, tokenizer: &Tokenizer, texts: &[impl AsRef<str>]) -> Tensor<2> {
    let device = model.logit_scale.val().device();
    let features = texts.chunks(PROMPT_BATCH).map(|chunk| {
        let tokens = tokenizer.encode_to_tensor(chunk, &device);
        normalize(model.encode_text(tokens))
    });
    Tensor::cat(features.collect(), 0)
}
