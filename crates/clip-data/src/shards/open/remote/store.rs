//! Addresses to objects on servers.

use std::collections::HashMap;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey};
use object_store::azure::{AzureConfigKey, MicrosoftAzureBuilder};
use object_store::client::{
    HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpResponse, HttpService,
    ReqwestConnector,
};
use object_store::gcp::{GoogleCloudStorageBuilder, GoogleConfigKey};
use object_store::http::HttpBuilder;
use object_store::path::Path;
use object_store::{ClientConfigKey, ClientOptions, ObjectStore, ObjectStoreScheme, RetryConfig};
use reqwest::{StatusCode, Url};
use thiserror::Error;

use super::failure::Failure;

/// One object on a server.
pub(super) struct Object {
    pub store: Arc<dyn ObjectStore>,
    pub path: Path,
}

/// The servers that shards come from.
#[derive(Debug)]
pub(super) struct Stores {
    timeout: Duration,
    /// The client of all plain web servers.
    web: SharedClient,
    /// Buckets by the start of their addresses, with their clients and credentials.
    buckets: Mutex<HashMap<String, Arc<dyn ObjectStore>>>,
}

impl Stores {
    pub fn new(timeout: Duration) -> io::Result<Self> {
        // Fails where the program has chosen already, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let options = ClientOptions::new().with_allow_http(true).with_connect_timeout(timeout);
        let web = SharedClient(Connector.connect(&options).map_err(Failure::from)?);
        Ok(Self { timeout, web, buckets: Mutex::default() })
    }

    /// What an address stands for; nothing is asked of the server yet.
    pub fn object(&self, url: &str) -> io::Result<Object> {
        let parsed = Url::parse(url).map_err(|error| io::Error::other(unreadable(&error)))?;
        let object = match parsed.scheme() {
            "http" | "https" => self.web_page(url),
            _ => self.in_bucket(&parsed),
        };
        Ok(object.map_err(Failure::from)?)
    }

    /// A store for each: it keeps the address as it is, with what follows `?`, as a store of the
    /// whole server would not.
    fn web_page(&self, url: &str) -> object_store::Result<Object> {
        let builder = HttpBuilder::new().with_url(url).with_retry(one_try());
        let store = builder.with_http_connector(self.web.clone()).build()?;
        Ok(Object { store: Arc::new(store), path: Path::default() })
    }

    fn in_bucket(&self, url: &Url) -> object_store::Result<Object> {
        let (scheme, path) = ObjectStoreScheme::parse(url)?;
        let bucket = format!("{}://{}", url.scheme(), url.authority());
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        let store = match buckets.get(&bucket) {
            Some(store) => store.clone(),
            None => buckets.entry(bucket).or_insert(self.connect(&scheme, url)?).clone(),
        };
        Ok(Object { store, path })
    }

    fn connect(
        &self,
        scheme: &ObjectStoreScheme,
        url: &Url,
    ) -> object_store::Result<Arc<dyn ObjectStore>> {
        let (key, timeout) = (ClientConfigKey::ConnectTimeout, self.timeout.as_micros());
        let timeout = format!("{timeout}us");
        Ok(match scheme {
            ObjectStoreScheme::AmazonS3 => Arc::new(
                AmazonS3Builder::from_env()
                    .with_url(url.as_str())
                    .with_config(AmazonS3ConfigKey::Client(key), timeout)
                    .with_retry(one_try())
                    .with_http_connector(Connector)
                    .build()?,
            ),
            ObjectStoreScheme::GoogleCloudStorage => Arc::new(
                GoogleCloudStorageBuilder::from_env()
                    .with_url(url.as_str())
                    .with_config(GoogleConfigKey::Client(key), timeout)
                    .with_retry(one_try())
                    .with_http_connector(Connector)
                    .build()?,
            ),
            ObjectStoreScheme::MicrosoftAzure => Arc::new(
                MicrosoftAzureBuilder::from_env()
                    .with_url(url.as_str())
                    .with_config(AzureConfigKey::Client(key), timeout)
                    .with_retry(one_try())
                    .with_http_connector(Connector)
                    .build()?,
            ),
            _ => {
                let source = unreadable(&"no such kind of address is known").into();
                return Err(object_store::Error::NotSupported { source });
            }
        })
    }
}

fn unreadable(reason: &dyn std::fmt::Display) -> String {
    format!("{reason}: write `https://`, `http://`, `s3://`, `gs://` or `az://` and a path")
}

/// Trying again is ours: it goes on where the last try ended.
fn one_try() -> RetryConfig {
    RetryConfig { max_retries: 0, ..RetryConfig::default() }
}

/// Makes clients that tell a busy server from a wrong request.
#[derive(Debug)]
struct Connector;

impl HttpConnector for Connector {
    fn connect(&self, options: &ClientOptions) -> object_store::Result<HttpClient> {
        // A shard may take hours as long as it goes on arriving.
        let options = options.clone().with_timeout_disabled();
        let client = ReqwestConnector::default().connect(&options)?;
        Ok(HttpClient::new(Telling(client)))
    }
}

/// Gives the same client to all.
#[derive(Clone, Debug)]
struct SharedClient(HttpClient);

impl HttpConnector for SharedClient {
    fn connect(&self, _: &ClientOptions) -> object_store::Result<HttpClient> {
        Ok(self.0.clone())
    }
}

#[derive(Debug)]
struct Telling(HttpClient);

#[async_trait]
impl HttpService for Telling {
    async fn call(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let response = self.0.execute(request).await?;
        let status = response.status();
        let is_busy = status.is_server_error()
            || matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT);
        if is_busy {
            Err(HttpError::new(HttpErrorKind::Unknown, Busy(status)))
        } else {
            Ok(response)
        }
    }
}

/// An answer that may be another one a moment later.
#[derive(Debug, Error)]
#[error("the server answers {0}")]
struct Busy(StatusCode);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_or_refused_without_a_connection() {
        let stores = Stores::new(Duration::from_secs(1)).unwrap();
        for (url, path) in [
            ("s3://bucket/a/b%20c.tar", "a/b c.tar"),
            ("s3://bucket/d.tar", "d.tar"),
            ("gs://bucket/a.tar", "a.tar"),
            ("abfss://container@account.dfs.core.windows.net/a.tar", "a.tar"),
            ("https://host/a.tar?signature=1%2F2", ""),
        ] {
            assert_eq!(stores.object(url).unwrap().path.as_ref(), path, "{url}");
        }
        assert_eq!(stores.buckets.lock().unwrap().len(), 3);
        for url in ["ftp://host/a.tar", "http://", "s3://bucket//a.tar"] {
            assert!(stores.object(url).is_err(), "{url}");
        }
        let message = stores.object("ftp://host/a.tar").err().unwrap().to_string();
        assert!(message.contains("ftp://host"), "{message}");
    }
}
