//! What others measured.

use std::sync::LazyLock;

use serde::Deserialize;

/// Who measured what.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PublishedSource {
    /// Zero-shot, the paper's table 11.
    ZeroShotPaper,
    /// Zero-shot, open_clip's own measurements of OpenAI's weights.
    ZeroShotOpenClip,
    /// Linear probe, the paper's table 10.
    LinearProbePaper,
    /// Zero-shot with predictions averaged over the frames of videos, the paper's table 15.
    ZeroShotFramesPaper,
    /// Nearest neighbours among photographs, the paper's table 17.
    GeolocationPaper,
}

/// A published result of one of the models that OpenAI released.
#[derive(Clone, Debug, PartialEq)]
pub struct Published {
    /// Who measured what.
    pub source: PublishedSource,
    /// The data set's name in the registry.
    pub dataset: String,
    /// The metric, where it is not the data set's own.
    pub metric: Option<String>,
    /// open_clip's name of the model.
    pub model: String,
    /// In percent.
    pub value: f64,
}

/// Every published result that is known.
pub(super) fn all() -> &'static [Published] {
    static ALL: LazyLock<Vec<Published>> = LazyLock::new(|| {
        let mut table = csv::ReaderBuilder::new()
            .comment(Some(b'#'))
            .from_reader(include_bytes!("../../registry/published.csv").as_slice());
        let models = table.headers().cloned().unwrap_or_default();
        let rows = table.into_deserialize::<(PublishedSource, String, Vec<Option<f64>>)>();
        rows.flatten()
            .flat_map(|(source, name, values)| {
                let models = models.iter().skip(2).map(str::to_owned).collect::<Vec<_>>();
                let (dataset, metric) = match name.split_once('/') {
                    Some((dataset, metric)) => (dataset.to_owned(), Some(metric.to_owned())),
                    None => (name, None),
                };
                models.into_iter().zip(values).filter_map(move |(model, value)| {
                    let (dataset, metric) = (dataset.clone(), metric.clone());
                    Some(Published { source, dataset, metric, model, value: value? })
                })
            })
            .collect()
    });
    &ALL
}

/// The result of a source for a data set of the registry, by its own metric, and the model that OpenAI
/// released under open_clip's name `model` (`ViT-B-32`), in percent.
pub fn published(source: PublishedSource, dataset: &str, model: &str) -> Option<f64> {
    published_by(source, (dataset, None), model)
}

/// [`published`] by another metric, where one is named.
pub(crate) fn published_by(
    source: PublishedSource,
    (dataset, metric): (&str, Option<&str>),
    model: &str,
) -> Option<f64> {
    let is_it = |published: &&Published| {
        published.source == source
            && (published.dataset.as_str(), published.metric.as_deref()) == (dataset, metric)
            && published.model == model
    };
    all().iter().find(is_it).map(|published| published.value)
}
