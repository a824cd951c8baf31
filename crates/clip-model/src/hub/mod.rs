//! Models from the Hugging Face hub, kept in the cache that its own tools use.
//!
//! ```no_run
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use clip_model::hub;
//!
//! let folder = hub::snapshot("laion/CLIP-ViT-B-32-laion2B-s34B-b79K", &mut hub::silent)?;
//! # Ok(())
//! # }
//! ```
//!
//! The first call fetches the configuration and one set of weights; later calls ask the server
//! only whether the model has changed. Without network they use what is there.

use std::io::Read;
use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;

mod address;
mod cache;
mod download;
mod error;
mod http;
mod id;
mod lock;
mod names;
mod partial;
mod settings;
#[cfg(test)]
mod tests;

pub use error::{HubError, NotCached};
pub use id::ModelId;
pub use settings::HubSettings;

use crate::pretrained::selection::{self, Weights};
use cache::Repo;
use download::Fetch;
use http::{Ask, Http, What};

/// More text than any list of files has.
const MAX_LISTING: u64 = 32 << 20;

/// What happens while a model is fetched.
#[derive(Debug)]
#[non_exhaustive]
pub enum Progress<'a> {
    /// Some bytes of a file are there; the first report of a file says how many were before.
    Download {
        /// The file's name in the repository.
        file: &'a str,
        /// How many bytes are there.
        done: u64,
        /// How many there will be, if the server says.
        total: Option<u64>,
    },
    /// Another process is fetching the file.
    Waiting {
        /// The file's name in the repository.
        file: &'a str,
    },
    /// A request failed and will be repeated.
    Retry {
        /// Why it failed.
        error: &'a HubError,
        /// How long until it is repeated.
        pause: Duration,
    },
    /// The server cannot be used, so the copy of an earlier call is.
    Cached {
        /// Why the server cannot be used.
        error: &'a HubError,
    },
}

/// Is told what happens.
pub type Report<'a> = dyn FnMut(Progress<'_>) + 'a;

/// A [`Report`] that shows nothing.
pub fn silent(_: Progress<'_>) {}

/// The folder with the files of a model, which are fetched if they are not there. The
/// environment says from where and how: see [`HubSettings::from_env`].
///
/// `id` is `org/name` or `org/name@revision`, with or without open_clip's prefix `hf-hub:`.
///
/// # Errors
///
/// When `id` is no model id, the model does not exist, needs a token or has no weights, when the
/// network fails and there is no complete copy, or when the cache cannot be written.
pub fn snapshot(id: &str, report: &mut Report<'_>) -> Result<PathBuf, HubError> {
    Hub::new(HubSettings::from_env()?)?.snapshot(id, report)
}

/// A hub and its cache, for settings other than the environment's.
pub struct Hub {
    settings: HubSettings,
    http: Http,
}

/// What the server says about a revision.
#[derive(Deserialize)]
struct Listing {
    sha: String,
    siblings: Vec<Sibling>,
}

#[derive(Deserialize)]
struct Sibling {
    rfilename: String,
}

impl Hub {
    /// Opens a hub; nothing is sent yet.
    ///
    /// # Errors
    ///
    /// When the endpoint is no address, the token no text for a header, or the certificates
    /// cannot be read.
    pub fn new(settings: HubSettings) -> Result<Self, HubError> {
        Ok(Self { http: Http::new(&settings)?, settings })
    }

    /// The folder with the files of a model, which are fetched if they are not there.
    ///
    /// # Errors
    ///
    /// As [`snapshot`].
    pub fn snapshot(&self, id: &str, report: &mut Report<'_>) -> Result<PathBuf, HubError> {
        let id: ModelId = id.parse()?;
        let repo = Repo::new(&self.settings.cache, &id);
        let copy = repo.copy(id.revision());
        if self.settings.offline {
            let folder = copy.map(|copy| copy.folder);
            return folder.ok_or_else(|| self.not_cached(id, Vec::new(), None));
        }
        // A commit never changes, so there is nothing to ask.
        let copy = match copy {
            Some(copy) if copy.has_config && cache::is_commit(id.revision()) => {
                return Ok(copy.folder);
            }
            copy => copy,
        };
        let mut files = Vec::new();
        match (self.fetch(&id, &repo, copy.is_some(), &mut files, report), copy) {
            (Err(error), Some(copy)) if error.is_network() => {
                report(Progress::Cached { error: &error });
                Ok(copy.folder)
            }
            (Err(error), None) if error.is_network() => {
                Err(self.not_cached(id, files, Some(error)))
            }
            (outcome, _) => outcome,
        }
    }

    /// Brings the snapshot up to date. `files` is told what that takes, as far as it is known.
    fn fetch(
        &self,
        id: &ModelId,
        repo: &Repo,
        has_copy: bool,
        files: &mut Vec<String>,
        report: &mut Report<'_>,
    ) -> Result<PathBuf, HubError> {
        let listing = self.listing(id, has_copy, report)?;
        let listed: Vec<_> = listing.siblings.into_iter().map(|file| file.rfilename).collect();
        let Some(weights) = selection::weights(&listed).into_iter().next() else {
            return Err(HubError::NoWeights { id: Box::new(id.clone()), files: listed });
        };
        let configs = names::CONFIGS.iter().filter(|config| listed.iter().any(|n| n == *config));
        files.extend(configs.map(|config| (*config).to_owned()));

        let (http, endpoint) = (&self.http, self.settings.endpoint.as_str());
        let fetch = Fetch { http, endpoint, repo, id, commit: &listing.sha };
        // The weights come last: who finds them can rely on the rest.
        let (Weights::Single(name) | Weights::Sharded(name)) = &weights;
        files.push(name.clone());
        for file in files.iter() {
            fetch.file(file, report)?;
        }
        if let Weights::Sharded(index) = &weights {
            let shards = read_shards(&fetch, index, report)?;
            files.extend(shards.iter().cloned());
            for shard in &shards {
                fetch.file(shard, report)?;
            }
        }
        // Only now, so that an interrupted update leaves the revision at its last complete copy.
        repo.remember(id.revision(), &listing.sha).or_else(|error| if_unneeded(error, has_copy))?;
        Ok(repo.snapshot(&listing.sha))
    }

    fn listing(
        &self,
        id: &ModelId,
        has_copy: bool,
        report: &mut Report<'_>,
    ) -> Result<Listing, HubError> {
        let url = address::listing(&self.settings.endpoint, id);
        let patience = match has_copy {
            true => self.http.patience().none(),
            false => self.http.patience(),
        };
        let ask = Ask { id, url: &url, what: What::Listing };
        let response = self.http.ask(&ask, patience, report)?;
        let mut text = Vec::new();
        let mut body = response.into_body().into_reader().take(MAX_LISTING);
        body.read_to_end(&mut text).map_err(|error| http::unreachable(&url, error.into()))?;
        let bad = |reason: String| HubError::BadAnswer { url: url.clone(), reason };
        let listing: Listing = serde_json::from_slice(&text)
            .map_err(|error| bad(format!("it lists no files: {error}")))?;
        match cache::is_commit(&listing.sha) {
            true => Ok(listing),
            false => Err(bad(format!("`{}` is no commit", listing.sha))),
        }
    }

    fn not_cached(&self, id: ModelId, files: Vec<String>, cause: Option<HubError>) -> HubError {
        let (endpoint, cache) = (self.settings.endpoint.clone(), self.settings.cache.clone());
        HubError::NotCached(Box::new(NotCached { id, endpoint, cache, files, cause }))
    }
}

fn read_shards(
    fetch: &Fetch<'_>,
    index: &str,
    report: &mut Report<'_>,
) -> Result<Vec<String>, HubError> {
    let path = fetch.file(index, report)?;
    let text = std::fs::read_to_string(&path).map_err(HubError::io("read", &path))?;
    let damaged = || HubError::Damaged {
        file: index.to_owned(),
        reason: "it names no files of weights".to_owned(),
    };
    names::shards(&text).filter(|shards| !shards.is_empty()).ok_or_else(damaged)
}

/// A cache that can be read but not written is good enough while nothing is missing from it.
fn if_unneeded(error: HubError, has_copy: bool) -> Result<(), HubError> {
    if has_copy { Ok(()) } else { Err(error) }
}
