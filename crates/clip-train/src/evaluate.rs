//! What a run ends with: results, the exported model and the page for people.

use clip_data::{DataError, EvalPairs, LabelledImages, ShardOpener, open_labelled};
use clip_eval::{Evaluation, Prediction, Source, accuracy, classify, encode_images, retrieval};
use clip_model::preprocess::{ImageTransform, eight_bit_rgb};
use clip_model::{Clip, Pretrained, Tokenizer, ZeroShotClassifier, encode_texts};
use image::{DynamicImage, ImageFormat};

use crate::files::write_atomically;
use crate::report::{Example, Report, render};
use crate::{MetricsLog, TrainError, Trainer};

/// Test images in the report.
const EXAMPLES: usize = 24;

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

/// Classifies where the set has labels, and retrieves where it has captions.
///
/// `data` is shards or one image folder.
///
/// # Errors
///
/// When the set has neither, or an image cannot be read.
pub fn evaluate(
    model: &Clip,
    tokenizer: &Tokenizer,
    image_size: usize,
    templates: &[String],
    data: &[String],
    opener: &ShardOpener,
    step: u64,
) -> Result<Results, DataError> {
    let transform = ImageTransform::openai(image_size);
    let dataset = data_name(data);
    let source = Source { step, dataset: &dataset };
    let labelled = open_labelled(data, opener);
    let pairs = EvalPairs::open(data, opener);
    let encode = |count, get: &(dyn Fn(usize) -> Result<DynamicImage, DataError> + Sync)| {
        encode_images(model, &transform, count, get, |_| ())
    };
    let images = match (&labelled, &pairs) {
        (Ok(set), _) => encode(set.len(), &|index| Ok(set.get(index)?.0))?,
        (_, Ok(pairs)) => encode(pairs.len(), &|index| pairs.image(index))?,
        (Err(_), Err(_)) => return labelled.map(|_| Results::default()),
    };

    let mut results = Results::default();
    match labelled {
        Ok(set) => {
            let names = set.class_names();
            let labels = (0..set.len()).map(|index| Ok(set.get(index)?.1));
            let labels: Vec<usize> = labels.collect::<Result<_, DataError>>()?;
            let classifier = ZeroShotClassifier::new(model, tokenizer, names, templates);
            let scale = model.logit_scale.val().into_data().iter::<f32>().sum::<f32>().exp();
            let predictions = classify(&classifier, images.clone(), &labels, scale);
            results.evaluations.extend(accuracy(source, &predictions, names.len()));
            results.examples = examples(set.as_ref(), &predictions)?;
        }
        Err(error) => results.notes.push(format!("no zero-shot classification: {error}")),
    }
    match pairs {
        Ok(pairs) => {
            let (captions, owners) = captions(&pairs)?;
            let texts = encode_texts(model, tokenizer, &captions);
            results.evaluations.extend(retrieval(source, images, texts, &owners));
        }
        Err(error) => results.notes.push(format!("no retrieval: {error}")),
    }
    Ok(results)
}

/// A short name for shards: folder and stem of the first, `sample/test` for
/// `assets/sample/test-{000..007}.tar.gz`.
fn data_name(shards: &[String]) -> String {
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
            png: png(&set.get(index)?.0),
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

impl Trainer {
    /// Evaluates the model, exports it and writes `eval.json` and `report.html`.
    ///
    /// `facts` are shown at the head of the report.
    ///
    /// # Errors
    ///
    /// When the evaluation data cannot be read or a file cannot be written.
    pub fn finish(&self, facts: &[(String, String)]) -> Result<Results, TrainError> {
        let model = self.trained();
        self.export(&model)?;
        let results = match self.config.eval_data.as_slice() {
            [] => Results::default(),
            shards => self.evaluate(&model, shards)?,
        };
        self.folder.write_evaluations(&results.evaluations)?;
        let history = MetricsLog::read(&self.folder.metrics())?;
        let page = render(&Report {
            title: &format!("{} on {}", self.config.model, data_name(&self.config.data)),
            facts,
            batch: Some(self.config.batch_size as u64),
            history: &history,
            evaluations: &results.evaluations,
            examples: &results.examples,
        });
        write_atomically(&self.folder.report(), page.as_bytes())?;
        Ok(results)
    }

    fn evaluate(&self, model: &Clip, shards: &[String]) -> Result<Results, TrainError> {
        // The templates are the captions' own frames, the bare name among them.
        let mut templates = vec!["{}".to_string()];
        templates.extend(self.config.captions.frames.iter().cloned());
        let size = self.model_config.vision_cfg.image_size;
        let step = self.step();
        let opener = ShardOpener::new(&self.config.loader.open);
        Ok(evaluate(model, &self.tokenizer, size, &templates, shards, &opener, step)?)
    }

    /// Writes the model as open_clip reads it.
    fn export(&self, model: &Clip) -> Result<(), TrainError> {
        let transform = ImageTransform::openai(self.model_config.vision_cfg.image_size);
        let model = Pretrained::new(model.clone(), self.model_config.clone(), transform)?;
        Ok(model.save_open_clip(&self.folder.export())?)
    }
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
