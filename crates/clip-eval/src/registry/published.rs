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
}

/// A published result of one of the models that OpenAI released.
#[derive(Clone, Debug, PartialEq)]
pub struct Published {
    /// Who measured what.
    pub source: PublishedSource,
    /// The data set's name in the registry.
    pub dataset: String,
    /// open_clip's name of the model.
    pub model: String,
    /// In percent, of the data set's own metric.
    pub value: f64,
}

/// Every published result that is known.
pub(super) fn all() -> &'static [Published] {
    static ALL: LazyLock<Vec<Published>> = LazyLock::new(|| {
        let mut table = csv::ReaderBuilder::new()
            .comment(Some(b'#'))
            .from_reader(include_bytes!("../../registry/published.csv").as_slice());
        let models = table.headers().cloned().unwrap_or_default();
        let rows = table.into_deserialize::<(PublishedSource, String, Vec<f64>)>().flatten();
        rows.flat_map(|(source, dataset, values)| {
            let models = models.iter().skip(2).map(str::to_owned).collect::<Vec<_>>();
            models.into_iter().zip(values).map(move |(model, value)| Published {
                source,
                dataset: dataset.clone(),
                model,
                value,
            })
        })
        .collect()
    });
    &ALL
}

/// The result of a source for a data set of the registry and the model that OpenAI released under
/// open_clip's name `model` (`ViT-B-32`), in percent.
pub fn published(source: PublishedSource, dataset: &str, model: &str) -> Option<f64> {
    let is_it = |published: &&Published| {
        published.source == source && published.dataset == dataset && published.model == model
    };
    all().iter().find(is_it).map(|published| published.value)
}
