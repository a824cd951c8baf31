//! Questions to the server: redirects, refusals, repetition.

use std::time::Duration;

use ureq::http::{HeaderMap, HeaderValue, Response, StatusCode, header};
use ureq::tls::{PemItem, RootCerts, TlsConfig, parse_pem};
use ureq::{Agent, Body};

use super::address::{self, Origin};
use super::{HubError, HubSettings, ModelId, Progress, Report};

/// More redirects than this are a loop.
const MAX_REDIRECTS: usize = 8;

/// The longest pause that a server can ask for between two tries.
const MAX_PAUSE: Duration = Duration::from_secs(60);

/// A connection to one hub.
pub(super) struct Http {
    agent: Agent,
    endpoint: Origin,
    endpoint_url: String,
    authorization: Option<HeaderValue>,
    metadata_timeout: Duration,
    download_timeout: Duration,
    retries: u32,
    backoff: Duration,
}

/// One question.
pub(super) struct Ask<'a> {
    /// The model that it is about, for errors.
    pub id: &'a ModelId,
    /// Where to ask.
    pub url: &'a str,
    /// What to ask for.
    pub what: What,
}

/// What is asked for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum What {
    /// The list of the model's files.
    Listing,
    /// Size and identity of a file, which the hub tells before it redirects to another host.
    Metadata,
    /// The bytes of a file from a position on.
    Bytes(u64),
}

impl Http {
    pub(super) fn new(settings: &HubSettings) -> Result<Self, HubError> {
        let endpoint_url = settings.endpoint.clone();
        let endpoint = address::origin(&endpoint_url).ok_or_else(|| HubError::Setting {
            name: "HF_ENDPOINT",
            reason: format!("`{endpoint_url}` is no http or https address"),
        })?;
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .timeout_resolve(Some(settings.metadata_timeout))
            .timeout_connect(Some(settings.metadata_timeout))
            .tls_config(tls(settings)?)
            // A compressed answer has neither the size nor the bytes that were announced.
            .accept_encoding("identity")
            .user_agent(concat!(env!("CARGO_PKG_NAME"), "/", env!("CARGO_PKG_VERSION")));
        let config = match address::is_local(&endpoint_url) {
            true => config.proxy(None),
            false => config,
        };
        Ok(Self {
            agent: config.build().into(),
            endpoint,
            endpoint_url,
            authorization: settings.token.as_deref().map(bearer).transpose()?,
            metadata_timeout: settings.metadata_timeout,
            download_timeout: settings.download_timeout,
            retries: settings.retries,
            backoff: settings.backoff,
        })
    }

    /// Asks until there is an answer or `patience` ends.
    pub(super) fn ask(
        &self,
        ask: &Ask<'_>,
        mut patience: Patience,
        report: &mut Report<'_>,
    ) -> Result<Response<Body>, HubError> {
        loop {
            match self.ask_once(ask) {
                Ok(response) => return Ok(response),
                Err(error) => patience.wait(error, report)?,
            }
        }
    }

    /// The settings' patience.
    pub(super) fn patience(&self) -> Patience {
        Patience { tries: 0, retries: self.retries, backoff: self.backoff, had_progress: false }
    }

    /// Asks once, following redirects.
    pub(super) fn ask_once(&self, ask: &Ask<'_>) -> Result<Response<Body>, HubError> {
        let mut url = ask.url.to_owned();
        for _ in 0..=MAX_REDIRECTS {
            let response = self.exchange(ask.what, &url)?;
            if !response.status().is_redirection() {
                return self.checked(ask, url, response);
            }
            let next = redirect(&url, response.headers())?;
            let leaves = address::origin(&next) != address::origin(&url);
            if ask.what == What::Metadata && leaves {
                return Ok(response);
            }
            url = next;
        }
        let reason = "it redirects in a circle".to_owned();
        Err(HubError::BadAnswer { url: ask.url.to_owned(), reason })
    }

    fn exchange(&self, what: What, url: &str) -> Result<Response<Body>, HubError> {
        let request = match what {
            What::Metadata => self.agent.head(url),
            What::Listing | What::Bytes(_) => self.agent.get(url),
        };
        let mut request = match what {
            What::Bytes(start) if start > 0 => {
                request.header(header::RANGE, format!("bytes={start}-"))
            }
            _ => request,
        };
        // The token is the endpoint's: whoever it redirects to must not see it.
        if let Some(authorization) = self.authorization.as_ref().filter(|_| self.is_hub(url)) {
            request = request.header(header::AUTHORIZATION, authorization);
        }
        let silence = match what {
            What::Bytes(_) => self.download_timeout,
            What::Listing | What::Metadata => self.metadata_timeout,
        };
        let request = request.config().timeout_per_read(Some(silence)).build();
        request.call().map_err(|source| unreachable(url, source))
    }

    fn is_hub(&self, url: &str) -> bool {
        address::origin(url).as_ref() == Some(&self.endpoint)
    }

    fn checked(
        &self,
        ask: &Ask<'_>,
        url: String,
        response: Response<Body>,
    ) -> Result<Response<Body>, HubError> {
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        let text = |name| text(response.headers(), name);
        let (id, endpoint) = (Box::new(ask.id.clone()), self.endpoint_url.clone());
        // Another host's refusal says nothing about the user's rights on the hub.
        Err(match (status, text("x-error-code")) {
            (_, Some("GatedRepo")) => HubError::Gated { id, endpoint },
            (StatusCode::UNAUTHORIZED, _) if self.is_hub(&url) => {
                let token_sent = self.authorization.is_some();
                HubError::TokenNeeded { id, endpoint, token_sent }
            }
            (StatusCode::FORBIDDEN, _) if self.is_hub(&url) => {
                let message = text("x-error-message").unwrap_or("no reason given").to_owned();
                HubError::Forbidden { url, message }
            }
            (StatusCode::NOT_FOUND, code) => HubError::NotFound { id, what: missing(code), url },
            _ => {
                let seconds = text("retry-after").and_then(|value| value.trim().parse().ok());
                let retry_after = seconds.map(Duration::from_secs);
                HubError::Status { url, status: status.as_u16(), retry_after }
            }
        })
    }
}

/// What a 404 is about.
fn missing(code: Option<&str>) -> &'static str {
    match code {
        Some("RevisionNotFound") => "the revision",
        Some("EntryNotFound") => "the file",
        Some("RepoNotFound") => "the model",
        _ => "the model, its revision or the file",
    }
}

/// The text of a header.
pub(super) fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

/// Where a redirect leads. From an encrypted connection to an open one it is refused: anyone on
/// the way could then exchange the file.
fn redirect(url: &str, headers: &HeaderMap) -> Result<String, HubError> {
    let bad = |reason: String| HubError::BadAnswer { url: url.to_owned(), reason };
    let location = text(headers, "location").unwrap_or_default();
    let next = address::join(url, location)
        .ok_or_else(|| bad(format!("it redirects to `{location}`, which is no address")))?;
    match url.starts_with("https:") && !next.to_ascii_lowercase().starts_with("https:") {
        true => Err(bad(format!("it redirects to {next}, which is not encrypted"))),
        false => Ok(next),
    }
}

pub(super) fn unreachable(url: &str, source: ureq::Error) -> HubError {
    HubError::Unreachable { url: url.to_owned(), source: Box::new(source) }
}

fn bearer(token: &str) -> Result<HeaderValue, HubError> {
    let mut value =
        HeaderValue::from_str(&format!("Bearer {token}")).map_err(|_| HubError::Setting {
            name: "HF_TOKEN",
            reason: "it has characters that no token has".to_owned(),
        })?;
    value.set_sensitive(true);
    Ok(value)
}

fn tls(settings: &HubSettings) -> Result<TlsConfig, HubError> {
    let Some(path) = &settings.certificates else { return Ok(TlsConfig::default()) };
    let pem = std::fs::read(path).map_err(HubError::io("read the certificates", path))?;
    let certificates: Vec<_> = parse_pem(&pem)
        .filter_map(|item| match item {
            Ok(PemItem::Certificate(certificate)) => Some(certificate),
            _ => None,
        })
        .collect();
    if certificates.is_empty() {
        let reason = format!("{} has no certificate in PEM form", path.display());
        return Err(HubError::Setting { name: "SSL_CERT_FILE", reason });
    }
    Ok(TlsConfig::builder().root_certs(RootCerts::Specific(certificates.into())).build())
}

/// How often and after which pauses a request is repeated.
pub(super) struct Patience {
    tries: u32,
    retries: u32,
    backoff: Duration,
    had_progress: bool,
}

impl Patience {
    /// No repetition: for questions whose answer is at hand if the server has none.
    pub(super) fn none(mut self) -> Self {
        self.retries = 0;
        self
    }

    /// Starts counting again, since bytes arrived. The server was there a moment ago, so from now
    /// on a connection that cannot be made counts as broken in passing, too.
    pub(super) fn renew(&mut self) {
        self.tries = 0;
        self.had_progress = true;
    }

    /// Pauses before the next try, or returns the error if there is to be none.
    pub(super) fn wait(
        &mut self,
        error: HubError,
        report: &mut Report<'_>,
    ) -> Result<(), HubError> {
        let gone = self.had_progress && matches!(error, HubError::Unreachable { .. });
        if self.tries >= self.retries || !(gone || error.is_passing()) {
            return Err(error);
        }
        let asked = match &error {
            HubError::Status { retry_after, .. } => retry_after.unwrap_or_default(),
            _ => Duration::ZERO,
        };
        let pause = self.backoff.saturating_mul(1 << self.tries.min(16)).max(asked).min(MAX_PAUSE);
        self.tries += 1;
        report(Progress::Retry { error: &error, pause });
        std::thread::sleep(pause);
        Ok(())
    }
}
