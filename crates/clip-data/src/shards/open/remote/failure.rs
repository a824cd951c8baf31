//! Why a try to read an object came to nothing, and whether another may not.

use std::error::Error;
use std::io;

use object_store::client::HttpError;

/// The most of a server's explanation that is passed on, in bytes.
const MAX_EXPLANATION: usize = 300;

/// Why a try came to nothing.
#[derive(Debug)]
pub(super) struct Failure {
    pub reason: String,
    /// Whether it may pass.
    pub passing: bool,
}

impl Failure {
    pub fn passing(reason: impl Into<String>) -> Self {
        Self { reason: reason.into(), passing: true }
    }

    pub fn lasting(reason: impl Into<String>) -> Self {
        Self { reason: reason.into(), passing: false }
    }
}

impl From<object_store::Error> for Failure {
    fn from(error: object_store::Error) -> Self {
        use object_store::Error::{NotFound, PermissionDenied, Precondition, Unauthenticated};
        match &error {
            NotFound { .. } => Self::lasting("the server has nothing there (404): check the name"),
            PermissionDenied { .. } => {
                Self::lasting("the server denies access (403): check the name and the credentials")
            }
            Unauthenticated { .. } => {
                Self::lasting("the server wants credentials (401): check those it was given")
            }
            Precondition { .. } => Self::changed(),
            _ => Self { reason: root_cause(&error), passing: is_of_transport(&error) },
        }
    }
}

impl Failure {
    /// What was read and what is left belong to different objects.
    pub fn changed() -> Self {
        Self::lasting("the object was replaced while it was read")
    }
}

impl From<Failure> for io::Error {
    fn from(failure: Failure) -> Self {
        Self::other(failure.reason)
    }
}

/// Whether the connection is at fault, or the server for now, rather than the request.
fn is_of_transport(error: &(dyn Error + 'static)) -> bool {
    chain(error).any(|error| error.is::<HttpError>())
}

/// What the outer errors only wrap, without a page that a server may have sent along.
fn root_cause(error: &(dyn Error + 'static)) -> String {
    let mut cause = chain(error).last().unwrap_or(error).to_string();
    cause.truncate(cause.floor_char_boundary(MAX_EXPLANATION));
    cause.trim_end().to_owned()
}

fn chain<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |&error| error.source())
}
