//! Whoever makes features.

use burn::tensor::Device;
use clip_data::DataError;
use clip_model::Pretrained;
use image::DynamicImage;

use super::super::{
    ClassifierStore, FeatureError, FeatureStore, Features, GivenFeatures, encode_for_probes,
};
use super::{Benchmark, BenchmarkEvent};
use crate::{Dataset, Metric, PublishedSource, published};

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
        let done = |done| (self.tell)(BenchmarkEvent::Encoding { part: &part, done, total });
        let encode = || encode_for_probes(clip, total, get, done);
        let store = FeatureStore::new(self.config.out.join("features"));
        store.get(&encoder.digest, &part, labels, &encoder.device, encode)
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
pub(super) fn known(released: Option<&str>, dataset: &Dataset, task: &str) -> Option<f64> {
    let sources = match (task, dataset.metric) {
        ("zero_shot", Metric::Map11) => &[PublishedSource::ZeroShotPaper][..],
        ("zero_shot", _) => &[PublishedSource::ZeroShotOpenClip, PublishedSource::ZeroShotPaper],
        ("linear_probe", _) => &[PublishedSource::LinearProbePaper],
        _ => &[],
    };
    let released = released?;
    let mut values =
        sources.iter().filter_map(|source| published(*source, &dataset.name, released));
    Some(values.next()? / 100.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset;

    #[test]
    fn published_values_are_of_the_same_metric() {
        let of = |name: &str, task: &str| known(Some("ViT-B-32"), dataset(name).unwrap(), task);
        assert_eq!(of("cifar10", "zero_shot"), Some(0.8983));
        assert_eq!(of("voc2007", "zero_shot"), Some(0.831));
        assert_eq!(of("ucf101", "zero_shot"), Some(0.645));
        assert_eq!(of("ucf101", "linear_probe"), Some(0.855));
        assert_eq!(of("ucf101", "few_shot_1"), None);
        assert_eq!(known(None, dataset("cifar10").unwrap(), "zero_shot"), None);
    }

    #[test]
    fn models_are_named_shortly() {
        assert_eq!(short("runs/pretrain-1/export"), "pretrain-1");
        assert_eq!(short("openai/clip-vit-base-patch32"), "clip-vit-base-patch32");
    }
}
