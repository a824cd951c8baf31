use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::ModelId;

/// What can go wrong when a model is fetched from the hub.
#[derive(Debug, thiserror::Error)]
pub enum HubError {
    /// The text is no model id.
    #[error("`{id}` is no model id of the hub: {reason}")]
    BadId {
        /// What was given.
        id: String,
        /// The rule that it breaks.
        reason: &'static str,
    },
    /// An environment variable or a field of the settings has a value that cannot be used.
    #[error("{name} is not usable: {reason}")]
    Setting {
        /// The variable.
        name: &'static str,
        /// What is wrong with it, without its value if that is a secret.
        reason: String,
    },
    /// The server wants to know who asks. The hub says so for missing models too.
    #[error(
        "{id} does not exist, or is private or gated and needs a token{}: check the name at \
         {endpoint}, then set HF_TOKEN to a token that may read it",
        if *.token_sent { " other than the one that was sent" } else { "" }
    )]
    TokenNeeded {
        /// The model.
        id: Box<ModelId>,
        /// The server.
        endpoint: String,
        /// Whether the server saw a token.
        token_sent: bool,
    },
    /// The model's owner asks each user to accept terms.
    #[error(
        "{id} is gated: accept its terms at {endpoint}/{}, then set HF_TOKEN to a token of the \
         account that did", id.name()
    )]
    Gated {
        /// The model.
        id: Box<ModelId>,
        /// The server.
        endpoint: String,
    },
    /// The server knows who asks and says no.
    #[error("{url} may not be read with this token: {message}")]
    Forbidden {
        /// The address.
        url: String,
        /// What the server says.
        message: String,
    },
    /// The model, the revision or the file does not exist.
    #[error("{id}: {what} does not exist ({url})")]
    NotFound {
        /// The model.
        id: Box<ModelId>,
        /// What is missing.
        what: &'static str,
        /// The address.
        url: String,
    },
    /// The server answers with an error.
    #[error("{url} answers with status {status}")]
    Status {
        /// The address.
        url: String,
        /// The HTTP status.
        status: u16,
        /// How long the server asks to wait.
        retry_after: Option<Duration>,
    },
    /// No connection, or one that broke or stalled.
    #[error("cannot reach {url}: {source}")]
    Unreachable {
        /// The address.
        url: String,
        /// Why.
        source: Box<ureq::Error>,
    },
    /// The answer is not what the hub's interface promises.
    #[error("{url} does not answer as the hub does: {reason}")]
    BadAnswer {
        /// The address.
        url: String,
        /// What is wrong.
        reason: String,
    },
    /// The repository has no weights that are read here.
    #[error(
        "{id} has no weights that are read here (*.safetensors, *.bin or one *.pt); its files: \
         {}", listing(.files)
    )]
    NoWeights {
        /// The model.
        id: Box<ModelId>,
        /// What it has instead.
        files: Vec<String>,
    },
    /// The server names a file that would lie outside the cache.
    #[error("{id} names a file {file:?}, which is no safe path: refused")]
    UnsafeName {
        /// The model.
        id: Box<ModelId>,
        /// The name.
        file: String,
    },
    /// What arrived is not what the server announced.
    #[error("{file} arrived damaged: {reason}; it was removed, try again")]
    Damaged {
        /// The file's name in the repository.
        file: String,
        /// How it differs.
        reason: String,
    },
    /// A file of the cache cannot be read or written.
    #[error("cannot {doing} {}: {source}", path.display())]
    Io {
        /// What was tried.
        doing: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
    /// The hub is not asked or not reached, and the cache has no complete copy.
    #[error("{}", .0.message())]
    NotCached(Box<NotCached>),
}

/// What a person needs to get a model's files by hand.
#[derive(Debug)]
pub struct NotCached {
    /// The model.
    pub id: ModelId,
    /// The server that has it.
    pub endpoint: String,
    /// The cache that lacks it.
    pub cache: PathBuf,
    /// The files that are needed, if the server told.
    pub files: Vec<String>,
    /// Why the server could not be used; none when `HF_HUB_OFFLINE` forbids asking it.
    pub cause: Option<HubError>,
}

impl NotCached {
    fn message(&self) -> String {
        let Self { id, endpoint, cache, .. } = self;
        let cause = match &self.cause {
            Some(cause) => cause.to_string(),
            None => "HF_HUB_OFFLINE is set".to_owned(),
        };
        let files = match self.files.is_empty() {
            true => "open_clip_config.json and open_clip_model.safetensors (or config.json and \
                     model.safetensors)"
                .to_owned(),
            false => self.files.join(", "),
        };
        format!(
            "{cause}, and the cache {} has no complete copy of {id}. To do without the hub, get \
             {files} from /{}/resolve/{}/FILE under {endpoint}, put them into one folder, such as \
             ./{}, and give that folder in place of the id",
            cache.display(),
            id.name(),
            id.revision(),
            id.short_name(),
        )
    }
}

impl HubError {
    pub(super) fn io(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { doing, path: path.to_owned(), source }
    }

    /// Whether the same request may well succeed a moment later.
    pub(super) fn is_passing(&self) -> bool {
        match self {
            Self::Status { status, .. } => {
                matches!(status, 408 | 425 | 429 | 500 | 502 | 503 | 504)
            }
            Self::Unreachable { source, .. } => is_passing(source),
            _ => false,
        }
    }

    /// Whether the way to the server is at fault, or the server is down, so that a cached copy is
    /// as good an answer as there is. A refusal is not: it is the server's answer.
    pub(super) fn is_network(&self) -> bool {
        matches!(self, Self::Unreachable { .. } | Self::BadAnswer { .. }) || self.is_passing()
    }
}

/// A stalled or broken connection comes back; a machine that is not there does not, and a user
/// without network should not wait for it.
fn is_passing(error: &ureq::Error) -> bool {
    use io::ErrorKind::{
        BrokenPipe, ConnectionAborted, ConnectionReset, Interrupted, TimedOut, UnexpectedEof,
    };
    match error {
        ureq::Error::Timeout(ureq::Timeout::Resolve) => false,
        ureq::Error::Timeout(_) | ureq::Error::Protocol(_) => true,
        ureq::Error::Io(error) => matches!(
            error.kind(),
            BrokenPipe
                | ConnectionAborted
                | ConnectionReset
                | Interrupted
                | TimedOut
                | UnexpectedEof
        ),
        _ => false,
    }
}

/// Most names that an error lists.
const MAX_LISTED: usize = 20;

fn listing(files: &[String]) -> String {
    let mut listed = files.iter().take(MAX_LISTED).cloned().collect::<Vec<_>>().join(", ");
    if files.len() > MAX_LISTED {
        listed += &format!(" and {} more", files.len() - MAX_LISTED);
    }
    if files.is_empty() {
        listed += "none";
    }
    listed
}
