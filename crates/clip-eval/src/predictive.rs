//! Zero-shot classification by models that predict texts: the class whose name is likeliest.

use burn::tensor::{Int, Tensor, TensorData};
use clip_model::{Clip, Tokenizer, bags_of_words};

use crate::Prediction;
use crate::zero_shot::predict;

/// Names that are tried at once.
const NAMES: usize = 64;

/// Log-probabilities that are held at once, unless one image with one block of names has more.
const MAX_LOG_PROBS: usize = 1 << 22;

/// Classifies images by a model that predicts the words of captions: the class whose name's words
/// are likeliest on average.
///
/// # Shapes
///
/// - image_features: `[images, embed]`, not normalised, one for each of `labels`
pub fn classify_by_words(
    model: &Clip,
    tokenizer: &Tokenizer,
    class_names: &[impl AsRef<str>],
    image_features: Tensor<2>,
    labels: &[usize],
) -> Vec<Prediction> {
    let tokens = tokenizer.encode_to_tensor(class_names, &image_features.device());
    let log_probs = model.word_log_probs(image_features);
    let [_, vocabulary] = log_probs.dims();
    let scores = log_probs.matmul(bags_of_words(tokens, vocabulary).transpose());
    predictions(&scores.into_data().iter().collect::<Vec<f32>>(), class_names.len(), labels)
}

/// Classifies images by a model that writes captions: the class whose name is the likeliest one.
///
/// Each image is tried with each name, which takes as many forward passes of the text tower.
///
/// # Shapes
///
/// - image_features: `[images, embed]`, not normalised, one for each of `labels`
pub fn classify_by_caption(
    model: &Clip,
    tokenizer: &Tokenizer,
    class_names: &[impl AsRef<str>],
    image_features: Tensor<2>,
    labels: &[usize],
) -> Vec<Prediction> {
    let device = image_features.device();
    let (images, classes) = (labels.len(), class_names.len());
    let mut names: Vec<(usize, Vec<i32>)> =
        class_names.iter().map(|name| tokenizer.encode(name.as_ref())).enumerate().collect();
    // Names of about the same length in one block: there is little padding to compute.
    let length = |ids: &[i32]| 1 + ids.iter().take_while(|id| **id != tokenizer.end()).count();
    names.sort_by_key(|(_, ids)| length(ids));
    let mut scores = vec![0f32; images * classes];
    let [vocabulary, _] = model.text.token_embedding.weight.dims();
    for block in names.chunks(NAMES) {
        let ids: Vec<i32> = block.iter().flat_map(|(_, ids)| ids.clone()).collect();
        let ids = TensorData::new(ids, [block.len(), tokenizer.context_length()]);
        let tokens = Tensor::<2, Int>::from_data(ids, &device);
        let longest = block.iter().map(|(_, ids)| length(ids)).max().unwrap_or(0);
        let at_once = (MAX_LOG_PROBS / (block.len() * longest * vocabulary)).max(1);
        for first in (0..images).step_by(at_once) {
            let count = at_once.min(images - first);
            let features = image_features.clone().narrow(0, first, count);
            let likelihoods = of_every_pair(model, features, tokens.clone()).into_data();
            for (pair, score) in likelihoods.iter::<f32>().enumerate() {
                let (class, _) = block[pair % block.len()];
                scores[(first + pair / block.len()) * classes + class] = score;
            }
        }
    }
    predictions(&scores, classes, labels)
}

/// Log-likelihood of each text for each image, image after image.
fn of_every_pair(model: &Clip, features: Tensor<2>, tokens: Tensor<2, Int>) -> Tensor<1> {
    let ([images, embed], [texts, context]) = (features.dims(), tokens.dims());
    let features: Tensor<3> = features.unsqueeze_dim(1);
    let tokens: Tensor<3, Int> = tokens.unsqueeze_dim(0);
    model.caption_log_likelihood(
        features.expand([images, texts, embed]).reshape([images * texts, embed]),
        tokens.expand([images, texts, context]).reshape([images * texts, context]),
    )
}

fn predictions(scores: &[f32], classes: usize, labels: &[usize]) -> Vec<Prediction> {
    // Log-likelihoods: a softmax makes probabilities of them as they are.
    let rows = scores.chunks_exact(classes).zip(labels);
    rows.map(|(scores, label)| predict(scores, *label, 1.0)).collect()
}

#[cfg(test)]
mod tests {
    use burn::tensor::{Device, Distribution};
    use clip_model::ClipConfig;

    use super::*;

    /// More than one block takes.
    const IMAGES: usize = 250;
    const CLASSES: [&str; 3] = ["a red apple on a tree", "dog", "the cat"];

    fn model() -> (Clip, Tokenizer, Tensor<2>) {
        let config: ClipConfig = serde_json::from_str(
            r#"{
                "embed_dim": 6,
                "vision_cfg": {"image_size": 32, "layers": 1, "width": 8, "head_width": 8,
                               "patch_size": 16},
                "text_cfg": {"context_length": 8, "vocab_size": 1024, "width": 8, "heads": 2,
                             "layers": 1}
            }"#,
        )
        .unwrap();
        let device = Device::flex();
        let tokenizer = Tokenizer::for_text(&config.text_cfg).unwrap();
        let features = Tensor::random([IMAGES, 6], Distribution::Normal(0.0, 30.0), &device);
        (config.init(&device, 1).unwrap(), tokenizer, features)
    }

    /// The likeliest class of each image by the likelihood of one pair at a time.
    fn plainly(features: &Tensor<2>, likelihood: impl Fn(Tensor<2>, &str) -> f32) -> Vec<usize> {
        let of = |image: usize| {
            let scores = CLASSES.map(|name| likelihood(features.clone().narrow(0, image, 1), name));
            (0..3).max_by(|a, b| scores[*a].total_cmp(&scores[*b])).unwrap()
        };
        (0..IMAGES).map(of).collect()
    }

    fn first(predictions: &[Prediction]) -> Vec<usize> {
        predictions.iter().map(|prediction| prediction.guesses[0].0).collect()
    }

    fn number(tensor: Tensor<1>) -> f32 {
        tensor.into_data().iter::<f32>().sum()
    }

    #[test]
    fn the_likeliest_caption_wins_whatever_block_it_is_in() {
        let (model, tokenizer, features) = model();
        let found =
            classify_by_caption(&model, &tokenizer, &CLASSES, features.clone(), &[1; IMAGES]);
        let expected = plainly(&features, |image, name| {
            let tokens = tokenizer.encode_to_tensor(&[name], &Device::flex());
            number(model.caption_log_likelihood(image, tokens))
        });
        assert_eq!(first(&found), expected);
        assert!(found.iter().zip(&expected).all(|(p, class)| (p.rank == 0) == (*class == 1)));
    }

    #[test]
    fn the_likeliest_words_win() {
        let (model, tokenizer, features) = model();
        let found = classify_by_words(&model, &tokenizer, &CLASSES, features.clone(), &[0; IMAGES]);
        let expected = plainly(&features, |image, name| {
            let log_probs: Vec<f32> = model.word_log_probs(image).into_data().iter().collect();
            let ids = tokenizer.encode(name);
            let words: Vec<i32> =
                ids.into_iter().filter(|id| *id != 0 && *id < tokenizer.start()).collect();
            words.iter().map(|id| log_probs[*id as usize]).sum::<f32>() / words.len() as f32
        });
        assert_eq!(first(&found), expected);
        let classes: std::collections::BTreeSet<usize> = expected.into_iter().collect();
        assert!(classes.len() > 1, "one class wins everywhere, which shows nothing");
    }
}
