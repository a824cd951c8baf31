use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::HubError;

const DEFAULT_ENDPOINT: &str = "https://huggingface.co";
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(10);

/// Where the hub and its cache are, and how patient to be with them.
///
/// [`from_env`](Self::from_env) reads the variables that Hugging Face's own Python library reads,
/// so that both share one cache and one login.
#[derive(Clone)]
#[non_exhaustive]
pub struct HubSettings {
    /// The server, without a slash at its end: `HF_ENDPOINT`.
    pub endpoint: String,
    /// The folder of all cached models: `HF_HUB_CACHE`, else `hub` in `HF_HOME`.
    pub cache: PathBuf,
    /// Proof of who asks: `HF_TOKEN`, else the file that `hf auth login` writes. It is sent to
    /// the endpoint alone, never to where that redirects to.
    pub token: Option<String>,
    /// Whether to use the cache alone: `HF_HUB_OFFLINE`.
    pub offline: bool,
    /// Longest silence while a question about a file is answered: `HF_HUB_ETAG_TIMEOUT`.
    pub metadata_timeout: Duration,
    /// Longest silence while a file arrives: `HF_HUB_DOWNLOAD_TIMEOUT`.
    pub download_timeout: Duration,
    /// A PEM file with the certificates to trust in place of Mozilla's, as networks need that
    /// inspect their traffic: `SSL_CERT_FILE`.
    pub certificates: Option<PathBuf>,
    /// How often a request that fails in passing is repeated, if no byte arrives in between.
    pub retries: u32,
    /// The pause before the first repetition; each further one is twice as long.
    pub backoff: Duration,
}

impl HubSettings {
    /// The public hub with `cache` as its cache, whatever the environment says.
    pub fn new(cache: impl Into<PathBuf>) -> Self {
        Self {
            endpoint: DEFAULT_ENDPOINT.to_owned(),
            cache: cache.into(),
            token: None,
            offline: false,
            metadata_timeout: DEFAULT_TIMEOUT,
            download_timeout: DEFAULT_TIMEOUT,
            certificates: None,
            retries: 4,
            backoff: Duration::from_millis(500),
        }
    }

    /// What the environment asks for. The proxy variables (`HTTPS_PROXY`, `NO_PROXY`, ...) need
    /// no field: they are honoured for every host but this machine.
    ///
    /// # Errors
    ///
    /// When a variable has no usable value, or no variable says where the user's files are.
    pub fn from_env() -> Result<Self, HubError> {
        Self::from_variables(|name| std::env::var(name).ok())
    }

    pub(super) fn from_variables(
        variable: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, HubError> {
        let variable = |name: &str| variable(name).filter(|value| !value.trim().is_empty());
        let user = variable("HOME").or_else(|| variable("USERPROFILE")).map(PathBuf::from);
        let path = |name| variable(name).map(|value| expand(&value, user.as_deref()));
        let home = path("HF_HOME")
            .or_else(|| path("XDG_CACHE_HOME").map(|cache| cache.join("huggingface")))
            .or_else(|| user.as_ref().map(|user| user.join(".cache/huggingface")));
        let cache = path("HF_HUB_CACHE")
            .or_else(|| path("HUGGINGFACE_HUB_CACHE"))
            .or_else(|| home.as_ref().map(|home| home.join("hub")))
            .ok_or_else(|| HubError::Setting {
                name: "HF_HOME",
                reason: "it is not set, nor is HOME, so there is no folder for the cache".into(),
            })?;
        let is_on = |name| variable(name).is_some_and(|value| is_true(&value));
        let token_file = path("HF_TOKEN_PATH").or_else(|| home.map(|home| home.join("token")));
        let token = match is_on("HF_HUB_DISABLE_IMPLICIT_TOKEN") {
            true => None,
            false => variable("HF_TOKEN").or_else(|| std::fs::read_to_string(token_file?).ok()),
        };
        let mut settings = Self::new(cache);
        if let Some(endpoint) = variable("HF_ENDPOINT") {
            settings.endpoint = endpoint.trim().trim_end_matches('/').to_owned();
        }
        settings.token = token.map(|token| token.trim().to_owned()).filter(|t| !t.is_empty());
        settings.offline = is_on("HF_HUB_OFFLINE") || is_on("TRANSFORMERS_OFFLINE");
        settings.certificates = path("SSL_CERT_FILE");
        let seconds = |name| seconds(name, variable(name));
        settings.metadata_timeout = seconds("HF_HUB_ETAG_TIMEOUT")?;
        settings.download_timeout = seconds("HF_HUB_DOWNLOAD_TIMEOUT")?;
        Ok(settings)
    }
}

/// As derived, without the token.
impl fmt::Debug for HubSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HubSettings")
            .field("endpoint", &self.endpoint)
            .field("cache", &self.cache)
            .field("token", &self.token.as_ref().map(|_| "..."))
            .field("offline", &self.offline)
            .finish_non_exhaustive()
    }
}

fn is_true(value: &str) -> bool {
    ["1", "on", "yes", "true"].contains(&value.trim().to_ascii_lowercase().as_str())
}

/// A leading `~` is the user's folder; shells expand it, but not in files that set variables.
fn expand(value: &str, user: Option<&Path>) -> PathBuf {
    match (value.strip_prefix("~/"), user) {
        (Some(rest), Some(user)) => user.join(rest),
        _ => PathBuf::from(value),
    }
}

fn seconds(name: &'static str, value: Option<String>) -> Result<Duration, HubError> {
    let Some(value) = value else { return Ok(DEFAULT_TIMEOUT) };
    match value.trim().parse() {
        Ok(0) => Ok(DEFAULT_TIMEOUT),
        Ok(seconds) => Ok(Duration::from_secs(seconds)),
        Err(_) => {
            let reason = format!("`{value}` is no whole number of seconds");
            Err(HubError::Setting { name, reason })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(variables: &[(&str, &str)]) -> Result<HubSettings, HubError> {
        HubSettings::from_variables(|name| {
            let found = variables.iter().find(|(variable, _)| *variable == name);
            found.map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn the_cache_is_where_python_puts_it() {
        let cache = |variables: &[(&str, &str)]| with(variables).unwrap().cache;
        let home = ("HOME", "/home/u");
        assert_eq!(cache(&[home]), Path::new("/home/u/.cache/huggingface/hub"));
        assert_eq!(cache(&[home, ("XDG_CACHE_HOME", "/x")]), Path::new("/x/huggingface/hub"));
        assert_eq!(cache(&[home, ("HF_HOME", "~/hf")]), Path::new("/home/u/hf/hub"));
        assert_eq!(cache(&[("HF_HOME", "/h"), ("HUGGINGFACE_HUB_CACHE", "/c")]), Path::new("/c"));
        assert_eq!(
            cache(&[("HUGGINGFACE_HUB_CACHE", "/c"), ("HF_HUB_CACHE", "/d")]),
            Path::new("/d")
        );
        assert!(matches!(with(&[]), Err(HubError::Setting { name: "HF_HOME", .. })));
    }

    #[test]
    fn the_token_comes_from_the_variable_or_the_file_and_is_never_shown() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("token"), "from-file\n").unwrap();
        let home = ("HF_HOME", folder.path().to_str().unwrap());
        assert_eq!(with(&[home]).unwrap().token.as_deref(), Some("from-file"));
        let settings = with(&[home, ("HF_TOKEN", " secret ")]).unwrap();
        assert_eq!(settings.token.as_deref(), Some("secret"));
        assert!(!format!("{settings:?}").contains("secret"));
        let silent = with(&[home, ("HF_HUB_DISABLE_IMPLICIT_TOKEN", "1")]).unwrap();
        assert_eq!(silent.token, None);
    }

    #[test]
    fn switches_and_timeouts_are_read_and_checked() {
        let home = ("HF_HOME", "/h");
        let settings = with(&[
            home,
            ("HF_HUB_OFFLINE", "Yes"),
            ("HF_ENDPOINT", "http://localhost:8080/"),
            ("HF_HUB_DOWNLOAD_TIMEOUT", "30"),
        ])
        .unwrap();
        assert!(settings.offline);
        assert_eq!(settings.endpoint, "http://localhost:8080");
        assert_eq!(settings.download_timeout, Duration::from_secs(30));
        assert!(!with(&[home, ("HF_HUB_OFFLINE", "0")]).unwrap().offline);
        let wrong = with(&[home, ("HF_HUB_ETAG_TIMEOUT", "soon")]).err().unwrap().to_string();
        assert!(wrong.contains("HF_HUB_ETAG_TIMEOUT") && wrong.contains("soon"), "{wrong}");
    }
}
