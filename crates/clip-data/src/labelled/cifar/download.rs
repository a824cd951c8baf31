//! The archive from its publisher into a cache folder.

use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Read, Write};
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use ureq::http::{Response, StatusCode, Uri, header};
use ureq::{Agent, Body};

use super::CifarSet;
use super::archive::{check, unpack};
use crate::DataError;

#[cfg(test)]
mod tests;

/// More than either archive has, which is about 170 MB.
const MAX_ARCHIVE: u64 = 1 << 28;

/// How many bytes are received at once.
const CHUNK: usize = 1 << 16;

/// The longest silence of a server that is still waited for.
const PATIENCE: Duration = Duration::from_secs(30);

/// Who is told how many bytes are there, and of how many if the server says so.
type Report<'a> = dyn FnMut(u64, Option<u64>) + 'a;

/// An archive and what it has to be.
struct Source<'a> {
    set: CifarSet,
    url: String,
    md5: &'a str,
}

/// The folder of a set in `cache`, downloaded from below `origin` unless it is there.
///
/// `origin` is usually [`CifarSet::ORIGIN`]. The archive is checked against its published MD5; a
/// download that was stopped goes on where it was. An archive that lies in `cache` under its
/// published name is used in place of a download. The folder appears whole or not at all, also when
/// several processes ask for it. `progress` is told how many bytes have arrived, of how many.
///
/// # Errors
///
/// When the archive can't be reached, is damaged (it is removed then), or can't be written.
pub fn download_cifar(
    set: CifarSet,
    cache: impl AsRef<Path>,
    origin: &str,
    mut progress: impl FnMut(u64, Option<u64>),
) -> Result<PathBuf, DataError> {
    let url = format!("{}/{}", origin.trim_end_matches('/'), set.archive());
    Source { set, url, md5: published_md5(set) }.folder(cache.as_ref(), &mut progress)
}

/// As the authors' page says (<https://www.cs.toronto.edu/~kriz/cifar.html>).
fn published_md5(set: CifarSet) -> &'static str {
    match set {
        CifarSet::Cifar10 => "c32a1d4ab5d03f1284b67883e8d87530",
        CifarSet::Cifar100 => "03b5dce01913d631647c71ecec9e9cb8",
    }
}

impl Source<'_> {
    fn folder(&self, cache: &Path, report: &mut Report<'_>) -> Result<PathBuf, DataError> {
        let layout = self.set.layout();
        let folder = cache.join(layout.folder);
        let archive = cache.join(layout.archive);
        fs::create_dir_all(cache).map_err(|source| DataError::write(cache, source))?;
        let _lock = lock(&archive.with_added_extension("lock"))?;
        if self.set.is_in(&folder) {
            return Ok(folder);
        }
        if folder.exists() {
            let reason = format!("this is no complete {}: remove it", self.set.name());
            return Err(DataError::layout(folder, reason));
        }
        if archive.is_file() {
            // It was put there by hand, so it stays.
            check(&archive, self.md5)?;
            return unpack(&archive, layout, cache);
        }
        let partial = archive.with_added_extension("partial");
        self.fetch(&partial, &archive, report)?;
        let folder = unpack(&partial, layout, cache)?;
        let _ = fs::remove_file(&partial);
        Ok(folder)
    }

    /// Fills `partial`. Should a download that was taken up again turn out wrong, what an earlier
    /// process left may be at fault, so it is fetched once more as a whole.
    fn fetch(
        &self,
        partial: &Path,
        archive: &Path,
        report: &mut Report<'_>,
    ) -> Result<(), DataError> {
        let resumed = length(partial) > 0;
        self.receive(partial, archive, report)?;
        match check(partial, self.md5) {
            Err(DataError::Damaged { .. }) if resumed => {
                self.receive(partial, archive, report)?;
                check(partial, self.md5)
            }
            outcome => outcome,
        }
    }

    /// Receives until all is there, asking for the rest as long as every try brings something.
    fn receive(
        &self,
        partial: &Path,
        archive: &Path,
        report: &mut Report<'_>,
    ) -> Result<(), DataError> {
        let agent = agent(&self.url);
        loop {
            let before = length(partial);
            match self.receive_once(&agent, partial, archive, report) {
                Err(DataError::Download { .. }) if length(partial) > before => {}
                outcome => return outcome,
            }
        }
    }

    fn receive_once(
        &self,
        agent: &Agent,
        partial: &Path,
        archive: &Path,
        report: &mut Report<'_>,
    ) -> Result<(), DataError> {
        let failed = |reason: String| DataError::Download {
            url: self.url.clone(),
            reason,
            put: archive.to_owned(),
        };
        let start = length(partial);
        let request = agent.get(&self.url);
        let request = match start {
            0 => request,
            _ => request.header(header::RANGE, format!("bytes={start}-")),
        };
        let response = request.call().map_err(|error| failed(error.to_string()))?;
        let resumed = match response.status() {
            StatusCode::OK => false,
            StatusCode::PARTIAL_CONTENT if range_start(&response) == Some(start) => true,
            // No byte is left to send. Whether what is there is right, its hash tells.
            StatusCode::RANGE_NOT_SATISFIABLE if start > 0 => return Ok(()),
            status => return Err(failed(format!("the server answers with {status}"))),
        };
        let mut options = OpenOptions::new();
        options.create(true).write(true).append(resumed).truncate(!resumed);
        let unwritable = |source| DataError::write(partial, source);
        let mut file = options.open(partial).map_err(unwritable)?;

        let mut done = if resumed { start } else { 0 };
        let total = response.body().content_length().map(|rest| done + rest);
        let mut body = response.into_body().into_reader();
        let mut chunk = vec![0; CHUNK];
        loop {
            report(done, total);
            let count = body.read(&mut chunk).map_err(|error| failed(error.to_string()))?;
            if count == 0 {
                break;
            }
            done += count as u64;
            if done > MAX_ARCHIVE {
                // Not to fill the disk with what will be refused.
                fs::remove_file(partial).map_err(unwritable)?;
                return Err(failed(format!("it is longer than {MAX_ARCHIVE} bytes")));
            }
            file.write_all(&chunk[..count]).map_err(unwritable)?;
        }
        match total {
            Some(total) if done < total => {
                Err(failed(format!("the connection broke after {done} of {total} bytes")))
            }
            _ => Ok(()),
        }
    }
}

/// Keeps other processes from fetching the same archive, until dropped.
fn lock(path: &Path) -> Result<File, DataError> {
    let file = OpenOptions::new().create(true).truncate(false).write(true).open(path);
    let file = file.map_err(|source| DataError::write(path, source))?;
    match file.lock() {
        // Some network file systems have no locks; there the hash finds what two have mixed up.
        Err(source) if source.kind() != ErrorKind::Unsupported => {
            Err(DataError::write(path, source))
        }
        _ => Ok(file),
    }
}

fn length(path: &Path) -> u64 {
    fs::metadata(path).map_or(0, |file| file.len())
}

fn agent(url: &str) -> Agent {
    let config = Agent::config_builder()
        .http_status_as_error(false)
        .timeout_resolve(Some(PATIENCE))
        .timeout_connect(Some(PATIENCE))
        .timeout_per_read(Some(PATIENCE))
        // The archive as it is: a server that compresses would send neither its size nor its bytes.
        .accept_encoding("identity")
        .user_agent(concat!(env!("CARGO_PKG_NAME"), "/", env!("CARGO_PKG_VERSION")));
    match is_local(url) {
        true => config.proxy(None).build().into(),
        false => config.build().into(),
    }
}

/// Whether the address is one of this machine, which no proxy reaches.
fn is_local(url: &str) -> bool {
    let Ok(uri) = url.parse::<Uri>() else { return false };
    let host = uri.host().unwrap_or_default().trim_matches(['[', ']']);
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// Where the part begins that an answer holds, from `bytes 5-9/10`.
fn range_start(response: &Response<Body>) -> Option<u64> {
    let range = response.headers().get(header::CONTENT_RANGE)?.to_str().ok()?;
    range.trim().strip_prefix("bytes ")?.split('-').next()?.trim().parse().ok()
}
