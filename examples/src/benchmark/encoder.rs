//! Whoever makes features.

use std::path::Path;

use anyhow::Result;
use burn::tensor::Device;
use clip_data::DataError;
use clip_eval::{
    Dataset, FeatureError, FeatureStore, Features, GivenFeatures, Metric, Opened, PublishedSource,
    encode_for_probes, published, released_archive, released_id,
};
use clip_model::Pretrained;
use image::DynamicImage;
use indicatif::{ProgressBar, ProgressStyle};

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

impl Encoder<'_> {
    /// The features of a split, unless another program should have written them and did not.
    pub fn features(
        &self,
        out: &Path,
        dataset: &Dataset,
        split: &str,
        opened: &Opened,
    ) -> Result<Option<Features>, FeatureError> {
        let (labels, images) = (opened.images.labels(), opened.images.as_ref());
        if let Some(given) = self.given {
            let part = format!("{}-{split}", dataset.name);
            let is_there = given.has(&part);
            return is_there.then(|| given.get(&part, labels, &self.device)).transpose();
        }
        let Some(clip) = self.clip else { return Ok(None) };
        let get = |index| images.image(index);
        self.encoded(out, clip, dataset, (split, labels), get).map(Some)
    }

    /// Features that are kept, or computed now and then kept.
    pub fn encoded(
        &self,
        out: &Path,
        clip: &Pretrained,
        dataset: &Dataset,
        (split, labels): (&str, &[usize]),
        get: impl Fn(usize) -> Result<DynamicImage, DataError> + Sync,
    ) -> Result<Features, FeatureError> {
        let part = format!("{}-{split}", dataset.name);
        let store = FeatureStore::new(out.join("features"));
        let template = "{msg} {bar:30} {pos}/{len} images, {per_sec}, {eta} left";
        let bar = ProgressBar::new(labels.len() as u64).with_message(part.clone());
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        let done = |done: usize| bar.set_position(done as u64);
        let encode = || encode_for_probes(clip, labels.len(), get, done);
        let features = store.get(&self.digest, &part, labels, &self.device, encode);
        bar.finish_and_clear();
        features
    }
}

/// The released model that a path or an id is, if it is one.
pub(super) fn released(model: &str) -> Result<Option<&'static str>> {
    let path = Path::new(model);
    match released_id(model) {
        None if path.is_file() => Ok(released_archive(path)?),
        released => Ok(released),
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
    use clip_eval::dataset;

    use super::*;

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
