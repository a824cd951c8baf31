//! The data sets that models are measured on, as data: `registry/` of this crate.

mod dataset;
mod languages;
mod layout;
mod open;
mod prompts;
mod published;
mod texts;
mod videos;

use std::sync::LazyLock;

use serde::Deserialize;

pub use dataset::{Dataset, Metric, Suite, Task};
pub use languages::languages;
pub use layout::{FolderLayout, Layout};
pub use open::{OpenError, Opened};
pub use prompts::{ClassNames, Provenance};
pub(crate) use published::published_by;
pub use published::{Published, PublishedSource, published};

/// Every data set that is known, in the paper's order where it has one.
pub fn datasets() -> &'static [Dataset] {
    #[derive(Deserialize)]
    struct Registry {
        dataset: Vec<Dataset>,
    }
    static DATASETS: LazyLock<Vec<Dataset>> = LazyLock::new(|| {
        let registry: Result<Registry, _> =
            toml::from_str(include_str!("../../registry/datasets.toml"));
        registry.map(|registry| registry.dataset).unwrap_or_default()
    });
    &DATASETS
}

/// The data set of this name, or with this alias, before which CLIP_benchmark's `wds/` may stand.
pub fn dataset(name: &str) -> Option<&'static Dataset> {
    let name = name.strip_prefix("wds/").unwrap_or(name);
    datasets()
        .iter()
        .find(|dataset| dataset.name == name || dataset.aliases.iter().any(|alias| alias == name))
}

/// The data sets that a word names: `all`, a suite, or a data set.
pub fn datasets_named(name: &str) -> Vec<&'static Dataset> {
    let all = datasets().iter();
    match (name, Suite::named(name)) {
        ("all", _) => all.collect(),
        (_, Some(suite)) => all.filter(|dataset| dataset.suites.contains(&suite)).collect(),
        _ => dataset(name).into_iter().collect(),
    }
}

#[cfg(test)]
mod tests;
