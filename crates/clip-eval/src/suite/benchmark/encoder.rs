//! Whoever makes features.

use burn::tensor::Device;
use clip_data::DataError;
use clip_model::Pretrained;
use image::DynamicImage;

use super::super::{
    ClassifierStore, FeatureError, FeatureStore, Features, GivenFeatures, encode_for_probes,
};
use super::{Benchmark, BenchmarkEvent, MeasureError};
use crate::{Dataset, Evaluation, Metric, PublishedSource, published_by};

/// Whoever makes features.
pub(super) struct Encoder<'a> {
    pub name: String,
    /// What tells it from any other.
    pub digest: String,
    pub clip: Option<&'a Pretrained>,
    pub given: Option<&'a GivenFeatures>,
    pub device: Device,
    /// The released model that it is, if it is one.
    pub released: Option<&'static str>,
}

impl Benchmark<'_> {
    /// Features that are kept, or computed now and then kept.
    pub(super) fn encoded(
        &self,
        encoder: &Encoder<'_>,
        clip: &Pretrained,
        (dataset, split): (&Dataset, &str),
        labels: &[usize],
        get: impl Fn(usize) -> Result<DynamicImage, DataError> + Sync,
    ) -> Result<Features, FeatureError> {
        let part = format!("{}-{split}", dataset.name);
        let total = labels.len();
        let done = |done| (self.tell)(BenchmarkEvent::Working { part: &part, done, total });
        let encode = || encode_for_probes(clip, total, get, done);
        let store = FeatureStore::new(self.config.out.join("features"));
        store.get(&encoder.digest, &part, labels, &encoder.device, encode)
    }

    /// Features of whoever makes them, unless another program should have written them and did not.
    pub(super) fn features(
        &self,
        encoder: &Encoder<'_>,
        (dataset, split): (&Dataset, &str),
        labels: &[usize],
        get: impl Fn(usize) -> Result<DynamicImage, DataError> + Sync,
    ) -> Result<Option<Features>, MeasureError> {
        if let Some(given) = encoder.given {
            let part = format!("{}-{split}", dataset.name);
            let is_there = given.has(&part);
            return Ok(is_there.then(|| given.get(&part, labels, &encoder.device)).transpose()?);
        }
        let Some(clip) = encoder.clip else { return Ok(None) };
        Ok(Some(self.encoded(encoder, clip, (dataset, split), labels, get)?))
    }

    /// Where the classifiers of this model are kept.
    pub(super) fn classifiers(&self, encoder: &Encoder<'_>) -> ClassifierStore {
        ClassifierStore::new(self.config.out.join("classifiers").join(&encoder.digest))
    }
}

/// The last part of a path that says something: `pretrain-1` of `runs/pretrain-1/export`.
pub(super) fn short(model: &str) -> String {
    let mut parts = model.split('/').filter(|part| !part.is_empty() && *part != "export");
    parts.next_back().unwrap_or(model).to_owned()
}

/// What others measured with a released model, as a share: open_clip's measurements come before the
/// paper's, but where they are of another metric.
pub(super) fn known(
    released: Option<&str>,
    dataset: &Dataset,
    evaluation: &Evaluation,
) -> Option<f64> {
    let sources = match (evaluation.task.as_str(), dataset.metric) {
        ("zero_shot", Metric::Map11) => &[PublishedSource::ZeroShotPaper][..],
        ("zero_shot", _) => &[PublishedSource::ZeroShotOpenClip, PublishedSource::ZeroShotPaper],
        ("linear_probe", _) => &[PublishedSource::LinearProbePaper],
        ("geolocation", _) => &[PublishedSource::GeolocationPaper],
        (task, _) if task.starts_with("zero_shot_frames") => {
            &[PublishedSource::ZeroShotFramesPaper]
        }
        _ => &[],
    };
    let released = released?;
    let metric = Some(evaluation.metric.as_str()).filter(|name| *name != dataset.metric.name());
    let of = (dataset.name.as_str(), metric);
    let mut values = sources.iter().filter_map(|source| published_by(*source, of, released));
    Some(values.next()? / 100.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Source, dataset};

    #[test]
    fn published_values_are_of_the_same_metric() {
        let by = |model: &str, name: &str, task: &str, metric: &str| {
            let source = Source { step: 0, dataset: name };
            let evaluation = source.share((task, metric.to_owned()), &[], 1, 0.0, 1);
            known(Some(model).filter(|_| model != "other"), dataset(name).unwrap(), &evaluation)
        };
        let of = |name: &str, task: &str| {
            by("ViT-B-32", name, task, dataset(name).unwrap().metric.name())
        };
        assert_eq!(of("cifar10", "zero_shot"), Some(0.8983));
        assert_eq!(of("voc2007", "zero_shot"), Some(0.831));
        assert_eq!(of("ucf101", "zero_shot"), Some(0.645));
        assert_eq!(of("ucf101", "linear_probe"), Some(0.855));
        assert_eq!(of("ucf101", "few_shot_1"), None);
        assert_eq!(by("other", "cifar10", "zero_shot", "top1"), None);
        let large = |name: &str, task: &str, metric: &str| {
            by("ViT-L-14-336", name, task, metric).map(|share| (1000.0 * share).round())
        };
        assert_eq!(large("ucf101", "zero_shot", "top1"), Some(769.0));
        assert_eq!(large("ucf101", "zero_shot_frames_8", "top1"), Some(803.0));
        assert_eq!(large("rareact", "zero_shot_frames_8", "mwap"), Some(407.0));
        assert_eq!(large("rareact", "zero_shot_frames_8", "msap"), Some(448.0));
        assert_eq!(large("rareact", "zero_shot", "mwap"), None);
        assert_eq!(large("im2gps", "geolocation", "within_25km"), Some(329.0));
        assert_eq!(large("im2gps", "geolocation", "within_2500km"), Some(793.0));
        assert_eq!(of("im2gps", "geolocation"), None);
    }

    #[test]
    fn models_are_named_shortly() {
        assert_eq!(short("runs/pretrain-1/export"), "pretrain-1");
        assert_eq!(short("openai/clip-vit-base-patch32"), "clip-vit-base-patch32");
    }
}
