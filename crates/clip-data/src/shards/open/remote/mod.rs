//! Shards from servers, by the `object_store` crate.

mod cache;
mod download;
mod failure;
mod store;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;

use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::runtime::{Builder, Runtime};

use self::cache::{Cache, Fetched};
use self::download::Download;
use self::store::Stores;
use super::CacheOptions;
use super::options::Patience;
use super::source::ShardBytes;

/// What all shards from servers share. Connects when the first one is opened.
#[derive(Debug)]
pub(super) struct Remote {
    patience: Patience,
    cache: Option<Cache>,
    network: Mutex<Option<Arc<Network>>>,
}

impl Remote {
    pub fn new(cache: Option<CacheOptions>, patience: Patience) -> Self {
        Self { patience, cache: cache.map(Cache::new), network: Mutex::default() }
    }

    /// The bytes at an address, from the cache if they are there.
    pub fn open(&self, url: &str) -> io::Result<Box<dyn ShardBytes>> {
        let Some(cache) = &self.cache else { return Ok(Box::new(self.download(url)?)) };
        if let Some(file) = cache.find(url) {
            return Ok(Box::new(file));
        }
        let mut download = self.download(url)?;
        Ok(match cache.fetch(url, &mut download)? {
            Fetched::File(file) => Box::new(file),
            Fetched::Nothing => Box::new(download),
            Fetched::Part => Box::new(self.download(url)?),
        })
    }

    /// Why the cache couldn't be used the last time it couldn't.
    pub fn cache_problem(&self) -> Option<String> {
        self.cache.as_ref()?.problem()
    }

    fn download(&self, url: &str) -> io::Result<Download> {
        let network = self.network()?;
        let object = network.stores.object(url)?;
        Ok(Download::new(network, object, self.patience.clone()))
    }

    fn network(&self) -> io::Result<Arc<Network>> {
        let mut network = self.network.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(network) = &*network {
            return Ok(network.clone());
        }
        let new = Arc::new(Network::new(&self.patience)?);
        Ok(network.insert(new).clone())
    }
}

/// Connections, and the thread that serves them.
#[derive(Debug)]
struct Network {
    stores: Stores,
    /// There until dropped.
    runtime: Option<Runtime>,
}

impl Network {
    fn new(patience: &Patience) -> io::Result<Self> {
        let mut runtime = Builder::new_multi_thread();
        runtime.worker_threads(1).thread_name("shard network").enable_all();
        let stores = Stores::new(patience.timeout)?;
        Ok(Self { stores, runtime: Some(runtime.build()?) })
    }

    /// Waits here for what happens there. Tokio's own waiting would panic where the caller's thread
    /// serves another runtime.
    fn wait_for<T>(&self, work: impl Future<Output = T>) -> T {
        let _context = self.runtime.as_ref().map(Runtime::enter);
        pollster::block_on(work)
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        // Dropping it as it is would wait, and panic in a thread that serves another runtime.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}
