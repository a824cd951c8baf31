use clip_data::{LabelledImages, Split};
use clip_model::Pretrained;

use super::super::{
    Details, Features, Outcome, Overlap, ProbeStore, Row, SHOTS, few_shot, fit_probe, zero_shot,
};
use super::encoder::Encoder;
use super::kept::identity;
use super::{Benchmark, BenchmarkError, BenchmarkTask, MeasureError};
use crate::{Dataset, LinearProbe, Opened, Prediction};

impl Benchmark<'_> {
    /// One of several classes is named: by language, and by what is learned from examples.
    pub(super) fn classification(
        &mut self,
        encoder: &Encoder<'_>,
        dataset: &'static Dataset,
    ) -> Result<(), BenchmarkError> {
        let opened = dataset.open(&self.config.data, Split::Test, self.config.any_count);
        let Some(test) = self.there(encoder, dataset, opened) else { return Ok(()) };
        let tasks = self.config.tasks.clone();
        if let Some(clip) = encoder.clip.filter(|_| tasks.contains(&BenchmarkTask::ZeroShot)) {
            let of = identity(&(test.images.labels(), &test.names, &test.templates));
            let guesses = self.kept(encoder, dataset, ("zero-shot", of), |benchmark| {
                benchmark.named(encoder, clip, dataset, &test).map(Some)
            })?;
            self.overlap(encoder, dataset, &test, &guesses);
            self.in_languages(encoder, clip, dataset, &test)?;
            if self.config.frames > 1 && dataset.has_videos() {
                self.frames(encoder, clip, dataset, &test)?;
            }
        }
        if let Some((whole, among)) = dataset.shifted() {
            return self.under_shift(encoder, dataset, &test, (whole, &among));
        }
        let probes =
            [(BenchmarkTask::LinearProbe, "linear-probe"), (BenchmarkTask::FewShot, "few-shot")];
        let probes = probes.into_iter().filter(|(task, _)| tasks.contains(task));
        let probes: Vec<_> = probes.collect();
        if probes.is_empty() {
            return Ok(());
        }
        let Some(train) = self.training_part(dataset, dataset) else { return Ok(()) };
        let of = identity(&(train.images.labels(), test.images.labels()));
        for (task, name) in probes {
            self.kept(encoder, dataset, (name, of), |benchmark| {
                benchmark.probed(encoder, dataset, (&train, &test), task)
            })?;
        }
        Ok(())
    }

    /// What the model named right because it had seen it, if its training images are known.
    fn overlap(
        &mut self,
        encoder: &Encoder<'_>,
        dataset: &Dataset,
        test: &Opened,
        guesses: &[usize],
    ) {
        if self.config.training.is_empty() || guesses.is_empty() {
            return;
        }
        match self.overlapping(&dataset.name, test.images.as_ref()) {
            Ok(is_overlapping) => {
                let of = (encoder.name.as_str(), dataset.name.as_str());
                let overlap = Overlap::of(of, guesses, test.images.labels(), &is_overlapping);
                self.report.overlaps.push(overlap);
            }
            Err(error) => self.absent(dataset, format!("no overlap: {error}")),
        }
    }

    /// By language alone.
    fn named(
        &self,
        encoder: &Encoder<'_>,
        clip: &Pretrained,
        dataset: &Dataset,
        test: &Opened,
    ) -> Result<Outcome, MeasureError> {
        let (images, labels) = (test.images.as_ref(), test.images.labels());
        let get = |index| images.image(index);
        let features = self.encoded(encoder, clip, (dataset, "test"), labels, get)?;
        let classifiers = self.classifiers(encoder);
        let named = (encoder.name.as_str(), clip, &classifiers);
        let (row, predictions) =
            zero_shot(named, (dataset, "zero_shot"), (&test.names, &test.templates), &features)?;
        let names: Vec<String> = test.names.iter().map(|names| names[0].clone()).collect();
        let details = Details::of(images, &predictions, &names)?;
        let guess = |p: &Prediction| p.guesses.first().map_or(0, |guess| guess.0);
        let guesses = predictions.iter().map(guess).collect();
        Ok(Outcome { rows: vec![row], details: Some(details), guesses })
    }

    /// By what is learned, unless another program should have written the features and did not.
    fn probed(
        &self,
        encoder: &Encoder<'_>,
        dataset: &Dataset,
        (train, test): (&Opened, &Opened),
        task: BenchmarkTask,
    ) -> Result<Option<Outcome>, MeasureError> {
        let classes = test.names.len();
        let Some(on) = self.classified(encoder, (dataset, "test"), test)? else { return Ok(None) };
        let rows = match task {
            BenchmarkTask::LinearProbe => {
                let Some(probe) = self.probe(encoder, dataset, train, classes)? else {
                    return Ok(None);
                };
                let predictions = probe.classify(on.features, &on.labels);
                vec![Row::of(&encoder.name, dataset, "linear_probe", &predictions, classes)]
            }
            _ => {
                let from = self.classified(encoder, (dataset, "train"), train)?;
                let Some(from) = from else { return Ok(None) };
                let of = |shots| few_shot(&encoder.name, dataset, classes, shots, (&from, &on));
                // A class may have fewer images than the largest number.
                SHOTS.into_iter().map_while(|shots| of(shots).ok()).collect()
            }
        };
        Ok(Some(Outcome::of(rows)))
    }

    /// The probe of a data set with so many classes, fitted unless it is kept.
    pub(super) fn probe(
        &self,
        encoder: &Encoder<'_>,
        dataset: &Dataset,
        train: &Opened,
        classes: usize,
    ) -> Result<Option<LinearProbe>, MeasureError> {
        let probes = ProbeStore::new(self.config.out.join("probes").join(&encoder.digest));
        let name = format!("{}-{classes}", dataset.name);
        probes.get(&name, train.images.labels(), &encoder.device, || {
            let features = self.classified(encoder, (dataset, "train"), train)?;
            let fit = |features| fit_probe(dataset, classes, &features);
            Ok(features.map(fit).transpose()?)
        })
    }

    /// Features of images with one class each.
    pub(super) fn classified(
        &self,
        encoder: &Encoder<'_>,
        part: (&Dataset, &str),
        opened: &Opened,
    ) -> Result<Option<Features>, MeasureError> {
        let get = |index| opened.images.image(index);
        self.features(encoder, part, opened.images.labels(), get)
    }

    /// What probes of `dataset` are fitted to: the images to learn from of `whole`, or else the reason
    /// that there are none is told.
    pub(super) fn training_part(&mut self, dataset: &Dataset, whole: &Dataset) -> Option<Opened> {
        let opened = whole.open(&self.config.data, Split::Train, self.config.any_count);
        opened.map_err(|error| self.absent(dataset, format!("no probe: {error}"))).ok()
    }
}
