//! What a model can do: results on a data set.

use burn::tensor::Tensor;
use clip_data::{DataError, EvalPairs, LabelledImages, ShardOpener, open_labelled};
use clip_eval::{
    Evaluation, Prediction, Source, accuracy, classify, classify_by_caption, classify_by_words,
    encode_images, encode_images_with, retrieval,
};
use clip_model::loss::{tiled_contrastive_loss, tiled_sigmoid_loss};
use clip_model::preprocess::{ImageTransform, eight_bit_rgb};
use clip_model::{Clip, Tokenizer, ZeroShotClassifier, encode_texts};
use image::{DynamicImage, ImageFormat};

use crate::Loss;
use crate::report::Example;

/// Test images in the report.
const EXAMPLES: usize = 24;

/// Rows and columns of logits of the held-out loss that are held at once.
const TILE: usize = 512;

/// Results of a model on a data set.
#[derive(Default)]
pub struct Results {
    /// One row a metric.
    pub evaluations: Vec<Evaluation>,
    /// Test images spread over the set, with what the model made of them.
    pub examples: Vec<Example>,
    /// What could not be measured, and why.
    pub notes: Vec<String>,
}

/// A model with what it takes to measure it.
#[derive(Clone, Copy)]
pub struct Evaluator<'a> {
    /// The model, without autodiff.
    pub model: &'a Clip,
    /// Its tokenizer.
    pub tokenizer: &'a Tokenizer,
    /// How images become its input.
    pub transform: &'a ImageTransform,
    /// What class names are put into.
    pub templates: &'a [String],
    /// The loss that it is trained with, and the pairs that are each other's negatives; for the
    /// loss on held-out pairs.
    pub loss: (Loss, usize),
}

impl Evaluator<'_> {
    /// Classifies where the set has labels, and retrieves and measures the loss where it has
    /// captions. A model of a loss without contrast names images by the likelihood of each class
    /// name as it is, without templates, and does nothing else.
    ///
    /// `data` is shards or one image folder; `step` is the training step of the model.
    ///
    /// # Errors
    ///
    /// When the set has neither, or an image cannot be read.
    pub fn evaluate(
        &self,
        data: &[String],
        opener: &ShardOpener,
        step: u64,
    ) -> Result<Results, DataError> {
        let dataset = data_name(data);
        let source = Source { step, dataset: &dataset };
        let labelled = open_labelled(data, opener);
        let pairs = EvalPairs::open(data, opener);
        let encode = |count, get: &(dyn Fn(usize) -> Result<DynamicImage, DataError> + Sync)| {
            encode_images(self.model, self.transform, count, get, |_| ())
        };
        if !self.loss.0.is_contrastive() {
            return self.name_by_likelihood(&labelled?, source);
        }
        let images = match (&labelled, &pairs) {
            (Ok(set), _) => encode(set.len(), &|index| set.image(index))?,
            (_, Ok(pairs)) => encode(pairs.len(), &|index| pairs.image(index))?,
            (Err(_), Err(_)) => return labelled.map(|_| Results::default()),
        };
        let mut results = Results::default();
        match labelled {
            Ok(set) => self.classify(&set, images.clone(), source, &mut results)?,
            Err(error) => results.notes.push(format!("no zero-shot classification: {error}")),
        }
        match pairs {
            Ok(pairs) => {
                let (captions, owners) = captions(&pairs)?;
                let texts = encode_texts(self.model, self.tokenizer, &captions);
                let loss = self.held_out_loss(&images, &texts, &owners);
                results.evaluations.extend(retrieval(source, images, texts, &owners));
                results.evaluations.extend(loss.map(|loss| self.loss_row(source, loss)));
            }
            Err(error) => results.notes.push(format!("no retrieval: {error}")),
        }
        Ok(results)
    }

    fn classify(
        &self,
        set: &dyn LabelledImages,
        images: Tensor<2>,
        source: Source<'_>,
        results: &mut Results,
    ) -> Result<(), DataError> {
        let names = set.class_names();
        let classifier = ZeroShotClassifier::new(self.model, self.tokenizer, names, self.templates);
        let scale = self.model.logit_scale.val().into_data().iter::<f32>().sum::<f32>().exp();
        let predictions = classify(&classifier, images, set.labels(), scale);
        results.evaluations.extend(accuracy(source, &predictions, names.len()));
        results.examples = examples(set, &predictions)?;
        Ok(())
    }

    /// Zero-shot classification by a model that was trained to predict captions.
    fn name_by_likelihood(
        &self,
        set: &dyn LabelledImages,
        source: Source<'_>,
    ) -> Result<Results, DataError> {
        let get = |index| set.image(index);
        let (model, tokenizer) = (self.model, self.tokenizer);
        let encode = Clip::encode_image;
        let images = encode_images_with(encode, model, self.transform, set.len(), get, |_| ())?;
        let (names, labels) = (set.class_names(), set.labels());
        let predictions = match self.loss.0 {
            Loss::Caption => classify_by_caption(model, tokenizer, names, images, labels),
            _ => classify_by_words(model, tokenizer, names, images, labels),
        };
        Ok(Results {
            evaluations: accuracy(source, &predictions, names.len()),
            examples: examples(set, &predictions)?,
            notes: vec!["no retrieval and no held-out loss: the model compares nothing".into()],
        })
    }

    /// Mean loss over whole batches of images with the first caption of each, and how many pairs
    /// these are.
    fn held_out_loss(
        &self,
        images: &Tensor<2>,
        texts: &Tensor<2>,
        owners: &[usize],
    ) -> Option<(f64, usize)> {
        let first: Vec<usize> =
            (0..owners.len()).filter(|i| *i == 0 || owners[*i] != owners[*i - 1]).collect();
        let batch = self.loss.1.min(first.len());
        if batch < 2 {
            return None;
        }
        let batches = first.chunks_exact(batch).enumerate().map(|(index, texts_of)| {
            let images = images.clone().narrow(0, index * batch, batch);
            let rows = texts_of.iter().map(|at| texts.clone().narrow(0, *at, 1));
            let texts = Tensor::cat(rows.collect(), 0);
            let scale = self.model.logit_scale.val();
            let sum = match (self.loss.0, &self.model.logit_bias) {
                (Loss::Sigmoid, Some(bias)) => {
                    tiled_sigmoid_loss(images, texts, scale, bias.val(), TILE)
                }
                _ => tiled_contrastive_loss(images, texts, scale, TILE),
            };
            sum.loss.into_data().iter::<f64>().sum::<f64>()
        });
        let losses: Vec<f64> = batches.collect();
        Some((losses.iter().sum::<f64>() / losses.len() as f64, losses.len() * batch))
    }

    fn loss_row(&self, source: Source<'_>, (loss, pairs): (f64, usize)) -> Evaluation {
        let batch = self.loss.1.min(pairs);
        let n = batch as f64;
        // What one and the same logit for all would give.
        let guessing = match self.loss.0 {
            Loss::Sigmoid => n.ln() + (n - 1.0) * (n / (n - 1.0)).ln(),
            _ => n.ln(),
        };
        Evaluation {
            step: source.step,
            task: "held_out".into(),
            dataset: source.dataset.into(),
            metric: "loss".into(),
            value: loss,
            low: loss,
            high: loss,
            chance: guessing,
            n: pairs,
            classes: batch,
        }
    }
}

/// A short name for shards: folder and stem of the first, `sample/test` for
/// `assets/sample/test-{000..007}.tar.gz`.
pub(super) fn data_name(shards: &[String]) -> String {
    let first = shards.first().map(String::as_str).unwrap_or_default();
    let (folder, file) = first.rsplit_once('/').unwrap_or(("", first));
    let folder = folder.rsplit('/').next().unwrap_or_default();
    let stem = file.split(['.', '{', '*']).next().unwrap_or_default();
    let stem = stem.trim_end_matches(|c: char| c.is_ascii_digit() || c == '-' || c == '_');
    [folder, stem].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("/")
}

/// All captions, and for each the index of its image.
fn captions(pairs: &EvalPairs) -> Result<(Vec<String>, Vec<usize>), DataError> {
    let (mut captions, mut owners) = (Vec::new(), Vec::new());
    for index in 0..pairs.len() {
        for caption in pairs.captions(index)? {
            captions.push(caption.clone());
            owners.push(index);
        }
    }
    Ok((captions, owners))
}

/// Images at equal distances, so that nobody chose them.
fn examples(
    set: &dyn LabelledImages,
    predictions: &[Prediction],
) -> Result<Vec<Example>, DataError> {
    let names = set.class_names();
    let stride = (set.len() / EXAMPLES).max(1);
    let indices = (stride / 2..set.len()).step_by(stride).take(EXAMPLES);
    let example = |index: usize| {
        let prediction = &predictions[index];
        let guess = |(class, share): &(usize, f32)| (names[*class].clone(), *share);
        Ok(Example {
            png: png(&set.image(index)?),
            truth: names[prediction.label].clone(),
            guesses: prediction.guesses.iter().map(guess).collect(),
            rank: prediction.rank + 1,
        })
    };
    indices.map(example).collect()
}

fn png(image: &DynamicImage) -> Vec<u8> {
    let mut bytes = std::io::Cursor::new(Vec::new());
    // Eight-bit RGB into memory: there is nothing that could fail.
    DynamicImage::from(eight_bit_rgb(image)).write_to(&mut bytes, ImageFormat::Png).ok();
    bytes.into_inner()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shards_are_named_by_folder_and_stem() {
        let name = |spec: &str| data_name(&[spec.to_string()]);
        assert_eq!(name("assets/sample/test-000.tar.gz"), "sample/test");
        assert_eq!(name("assets/sample/train-{000..007}.tar.gz"), "sample/train");
        assert_eq!(name("shards/*.tar"), "shards");
        assert_eq!(name("coco.tar"), "coco");
    }
}
