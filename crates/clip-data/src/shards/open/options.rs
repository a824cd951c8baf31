//! How patiently shards are opened, and where downloads are kept.

use std::path::PathBuf;
use std::time::Duration;
use std::{io, thread};

use serde::{Deserialize, Serialize};

const DEFAULT_RETRIES: u32 = 3;

const DEFAULT_TIMEOUT: Duration = Duration::from_secs(60);

/// In seconds; no server or disk answers faster.
const MIN_TIMEOUT: f64 = 0.001;

/// In seconds: a day.
const MAX_TIMEOUT: f64 = 86_400.0;

/// The wait before the second try; it doubles with every failure.
const FIRST_WAIT: Duration = Duration::from_millis(500);

const MAX_WAIT: Duration = Duration::from_secs(30);

/// How shards are opened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct OpenOptions {
    /// How often a source that brings nothing new is tried again before it counts as failed. Tries
    /// are half a second apart at first, then twice as long each, up to half a minute. Any new
    /// bytes start the count afresh.
    pub retries: u32,
    /// The longest wait for a connection and for the next bytes of an address or a command, in
    /// seconds.
    pub timeout: f64,
    /// Where shards from addresses are kept, if they are.
    pub cache: Option<CacheOptions>,
}

/// A folder that keeps shards from addresses, so that a second epoch reads them from the disk.
///
/// What is in it isn't compared with the address again: remove the folder if shards have changed.
/// Several processes may share it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CacheOptions {
    /// The folder, which is made if need be.
    pub folder: PathBuf,
    /// The most that all shards in it may take, in bytes: those used longest ago make room. A shard
    /// that is larger by itself isn't kept.
    pub max_bytes: u64,
}

impl Default for OpenOptions {
    fn default() -> Self {
        let timeout = DEFAULT_TIMEOUT.as_secs_f64();
        Self { retries: DEFAULT_RETRIES, timeout, cache: None }
    }
}

impl OpenOptions {
    /// Says what is wrong with the options, if anything.
    pub fn problem(&self) -> Option<String> {
        let is_usable = (MIN_TIMEOUT..=MAX_TIMEOUT).contains(&self.timeout);
        (!is_usable).then(|| {
            let (range, timeout) = (format!("{MIN_TIMEOUT} to {MAX_TIMEOUT}"), self.timeout);
            format!("timeout must be {range} seconds, not {timeout}")
        })
    }
}

/// How long and how often is tried.
#[derive(Clone, Debug)]
pub(super) struct Patience {
    pub retries: u32,
    pub timeout: Duration,
    pub first_wait: Duration,
}

impl Patience {
    /// As the options say; a timeout that is none is the usual one.
    pub fn of(options: &OpenOptions) -> Self {
        let timeout = match options.problem() {
            None => Duration::from_secs_f64(options.timeout),
            Some(_) => DEFAULT_TIMEOUT,
        };
        Self { retries: options.retries, timeout, first_wait: FIRST_WAIT }
    }

    /// The wait after so many failures in a row.
    pub fn wait_after(&self, failures: u32) -> Duration {
        let doubled = 1 << failures.saturating_sub(1).min(16);
        self.first_wait.saturating_mul(doubled).min(MAX_WAIT)
    }

    /// Opens something, again if it fails for a reason that may pass.
    pub fn persist<T>(&self, mut open: impl FnMut() -> io::Result<T>) -> io::Result<T> {
        let mut failures = 0;
        loop {
            match open() {
                Err(error) if failures < self.retries && may_pass(error.kind()) => {
                    failures += 1;
                    thread::sleep(self.wait_after(failures));
                }
                outcome => return outcome,
            }
        }
    }
}

/// Whether trying again may help: a file that isn't there won't come, a busy disk may recover.
fn may_pass(kind: io::ErrorKind) -> bool {
    use io::ErrorKind::{
        InvalidFilename, InvalidInput, IsADirectory, NotADirectory, NotFound, PermissionDenied,
        Unsupported,
    };
    !matches!(
        kind,
        InvalidFilename
            | InvalidInput
            | IsADirectory
            | NotADirectory
            | NotFound
            | PermissionDenied
            | Unsupported
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tries(kind: io::ErrorKind, failing: u32) -> (u32, bool) {
        let patience = Patience {
            retries: 2,
            timeout: Duration::from_secs(1),
            first_wait: Duration::from_micros(1),
        };
        let mut tries = 0;
        let outcome = patience.persist(|| {
            tries += 1;
            if tries > failing { Ok(()) } else { Err(io::Error::from(kind)) }
        });
        (tries, outcome.is_ok())
    }

    #[test]
    fn only_what_may_pass_is_tried_again() {
        assert_eq!(tries(io::ErrorKind::TimedOut, 2), (3, true));
        assert_eq!(tries(io::ErrorKind::TimedOut, 9), (3, false));
        assert_eq!(tries(io::ErrorKind::NotFound, 1), (1, false));
        assert_eq!(tries(io::ErrorKind::PermissionDenied, 1), (1, false));
    }

    #[test]
    fn waits_double_up_to_half_a_minute() {
        let patience = Patience::of(&OpenOptions::default());
        let waits = [1, 2, 3, 7, 99].map(|failures| patience.wait_after(failures).as_millis());
        assert_eq!(waits, [500, 1000, 2000, 30_000, 30_000]);
    }

    #[test]
    fn options_are_read_with_defaults_and_refuse_what_they_do_not_know() {
        let options: OpenOptions =
            serde_json::from_str(r#"{"cache": {"folder": "shards", "max_bytes": 5}}"#).unwrap();
        let cache = CacheOptions { folder: "shards".into(), max_bytes: 5 };
        assert_eq!(options, OpenOptions { cache: Some(cache), ..OpenOptions::default() });
        assert!(serde_json::from_str::<OpenOptions>(r#"{"retry": 3}"#).is_err());
    }

    #[test]
    fn a_timeout_that_is_none_is_a_problem() {
        for timeout in [0.0, -1.0, 1e-9, f64::NAN, f64::INFINITY] {
            let options = OpenOptions { timeout, ..OpenOptions::default() };
            assert!(options.problem().unwrap().contains("timeout"), "{timeout}");
            assert_eq!(Patience::of(&options).timeout, DEFAULT_TIMEOUT);
        }
        assert_eq!(OpenOptions::default().problem(), None);
    }
}
