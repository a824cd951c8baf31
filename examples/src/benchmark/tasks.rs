//! What is done with each kind of data set.

use std::hash::{DefaultHasher, Hash, Hasher};

use anyhow::Result;
use clap::ValueEnum;
use clip_data::Split;
use clip_eval::{
    Dataset, Details, Opened, Outcome, Prediction, Row, SHOTS, Source, few_shot, fit_probe,
    retrieval, zero_shot, zero_shot_multilabel,
};
use clip_model::{Pretrained, encode_texts, normalize};

use super::encoder::Encoder;
use super::{Benchmark, Tasks};

impl Benchmark {
    pub(super) fn classification(
        &mut self,
        encoder: &Encoder<'_>,
        dataset: &'static Dataset,
    ) -> Result<()> {
        let opened = dataset.open(&self.data, Split::Test, self.any_count);
        let Some(test) = self.there(encoder, dataset, opened) else { return Ok(()) };
        for task in self.tasks.clone() {
            let name = task.to_possible_value().map_or(String::new(), |v| v.get_name().to_owned());
            let of = identity(&(test.images.labels(), &test.names, &test.templates));
            self.kept(encoder, dataset, (&name, of), |benchmark| {
                benchmark.outcome(encoder, dataset, &test, task)
            })?;
        }
        Ok(())
    }

    pub(super) fn multilabel(
        &mut self,
        encoder: &Encoder<'_>,
        clip: &Pretrained,
        dataset: &'static Dataset,
    ) -> Result<()> {
        let opened = dataset.open_multilabel(&self.data, Split::Test, self.any_count);
        let Some(images) = self.there(encoder, dataset, opened) else { return Ok(()) };
        let truth = images.truth();
        self.kept(encoder, dataset, ("zero-shot", identity(&truth)), |benchmark| {
            // What is there tells the images from others.
            let count = |truth: &Vec<Option<bool>>| truth.iter().flatten().filter(|t| **t).count();
            let labels: Vec<usize> = truth.iter().map(count).collect();
            let get = |index| images.image(index);
            let features =
                encoder.encoded(&benchmark.out, clip, dataset, ("test", &labels), get)?;
            let row = zero_shot_multilabel((&encoder.name, clip), dataset, truth, &features)?;
            Ok(Some(Outcome { rows: vec![row], details: None, guesses: Vec::new() }))
        })?;
        Ok(())
    }

    pub(super) fn retrieval(
        &mut self,
        encoder: &Encoder<'_>,
        clip: &Pretrained,
        dataset: &'static Dataset,
    ) -> Result<()> {
        let opened = dataset.open_pairs(&self.data, self.any_count);
        let Some(pairs) = self.there(encoder, dataset, opened) else { return Ok(()) };
        let (mut captions, mut owners, mut labels) = (Vec::new(), Vec::new(), Vec::new());
        let template = dataset.templates().0.first().map_or("{}", String::as_str);
        for image in 0..pairs.len() {
            let texts = pairs.captions(image)?;
            labels.push(texts.len());
            owners.extend(texts.iter().map(|_| image));
            captions.extend(texts.iter().map(|text| template.replace("{}", text)));
        }
        let of = identity(&(&captions, &owners));
        self.kept(encoder, dataset, ("retrieval", of), |benchmark| {
            let get = |index| pairs.image(index);
            let features =
                encoder.encoded(&benchmark.out, clip, dataset, ("test", &labels), get)?;
            let images = normalize(clip.model.project_image(features.features));
            let texts = encode_texts(&clip.model, clip.tokenizer()?, &captions);
            let source = Source { step: 0, dataset: &dataset.name };
            let rows = retrieval(source, images, texts, &owners)
                .into_iter()
                .map(|evaluation| Row { model: encoder.name.clone(), evaluation, published: None });
            Ok(Some(Outcome { rows: rows.collect(), details: None, guesses: Vec::new() }))
        })?;
        Ok(())
    }

    /// Measures, unless what the task takes is not there.
    fn outcome(
        &mut self,
        encoder: &Encoder<'_>,
        dataset: &'static Dataset,
        opened: &Opened,
        task: Tasks,
    ) -> Result<Option<Outcome>> {
        let classes = opened.names.len();
        if task == Tasks::ZeroShot {
            let Some(clip) = encoder.clip else { return Ok(None) };
            let Some(test) = encoder.features(&self.out, dataset, "test", opened)? else {
                return Ok(None);
            };
            let (row, predictions) = zero_shot((&encoder.name, clip), dataset, opened, &test)?;
            let names: Vec<String> = opened.names.iter().map(|names| names[0].clone()).collect();
            let details = Details::of(opened.images.as_ref(), &predictions, &names)?;
            let guess = |p: &Prediction| p.guesses.first().map_or(0, |guess| guess.0);
            let guesses = predictions.iter().map(guess).collect();
            return Ok(Some(Outcome { rows: vec![row], details: Some(details), guesses }));
        }
        let train = match dataset.open(&self.data, Split::Train, self.any_count) {
            Ok(train) => train,
            Err(error) => {
                self.absent(dataset, format!("no probe: {error}"));
                return Ok(None);
            }
        };
        let train = encoder.features(&self.out, dataset, "train", &train)?;
        let test = encoder.features(&self.out, dataset, "test", opened)?;
        let (Some(train), Some(test)) = (train, test) else { return Ok(None) };
        let rows = match task {
            Tasks::LinearProbe => {
                vec![fit_probe(&encoder.name, dataset, classes, &train, &test)?.0]
            }
            _ => {
                let of = |shots| few_shot(&encoder.name, dataset, classes, shots, (&train, &test));
                // A class may have fewer images than the largest number.
                SHOTS.into_iter().map_while(|shots| of(shots).ok()).collect()
            }
        };
        Ok(Some(Outcome { rows, details: None, guesses: Vec::new() }))
    }
}

/// Tells what a data set holds from what it held before.
fn identity(content: &impl Hash) -> u64 {
    let mut hash = DefaultHasher::new();
    content.hash(&mut hash);
    hash.finish()
}
