//! One file from the server into the cache.

use std::io::Read;
use std::path::{Path, PathBuf};

use ureq::http::{Response, StatusCode};

use super::cache::Repo;
use super::http::{Ask, Http, What, text, unreachable};
use super::lock::Lock;
use super::partial::{CHUNK, Partial};
use super::{HubError, ModelId, Progress, Report, address, names};

/// What the files of one download have in common.
pub(super) struct Fetch<'a> {
    pub http: &'a Http,
    pub endpoint: &'a str,
    pub repo: &'a Repo,
    pub id: &'a ModelId,
    pub commit: &'a str,
}

/// What the server says about a file before it sends it.
struct Announced<'a> {
    file: &'a str,
    url: String,
    /// Names the contents; for large files it is their SHA-256.
    etag: String,
    size: Option<u64>,
}

impl Fetch<'_> {
    /// Brings `file` into the snapshot, unless it is there.
    pub(super) fn file(&self, file: &str, report: &mut Report<'_>) -> Result<PathBuf, HubError> {
        if !names::is_safe(file) {
            let id = Box::new(self.id.clone());
            return Err(HubError::UnsafeName { id, file: file.to_owned() });
        }
        let path = self.repo.snapshot(self.commit).join(file);
        if path.is_file() {
            return Ok(path);
        }
        let announced = self.announced(file, report)?;
        let blob = self.repo.blob(&announced.etag);
        let _lock = Lock::wait(&self.repo.lock(&announced.etag), file, report)?;
        if !announced.is_whole(&blob) {
            self.blob(&announced, &blob, report)?;
        }
        self.repo.point(self.commit, file, &blob)?;
        Ok(path)
    }

    fn announced<'f>(
        &self,
        file: &'f str,
        report: &mut Report<'_>,
    ) -> Result<Announced<'f>, HubError> {
        let url = address::file(self.endpoint, self.id, self.commit, file);
        let ask = Ask { id: self.id, url: &url, what: What::Metadata };
        let response = self.http.ask(&ask, self.http.patience(), report)?;
        let header = |name| text(response.headers(), name);
        let etag = header("x-linked-etag").or_else(|| header("etag")).and_then(normal_etag);
        let Some(etag) = etag else {
            let reason = "there is no usable ETag".to_owned();
            return Err(HubError::BadAnswer { url, reason });
        };
        // A redirect's own length is not that of the file.
        let own = || header("content-length").filter(|_| response.status().is_success());
        let size = header("x-linked-size").or_else(own).and_then(|size| size.parse().ok());
        Ok(Announced { file, url, etag, size })
    }

    /// Fills `blob`. Should a file that was taken up again turn out wrong, what an earlier run
    /// left may be at fault, so it is fetched once more as a whole.
    fn blob(
        &self,
        announced: &Announced<'_>,
        blob: &Path,
        report: &mut Report<'_>,
    ) -> Result<(), HubError> {
        let mut partial = Partial::open(blob)?;
        let resumed = partial.length() > 0;
        self.receive(announced, &mut partial, report)?;
        if resumed && announced.check(&partial).is_err() {
            partial.clear()?;
            self.receive(announced, &mut partial, report)?;
        }
        match announced.check(&partial) {
            Ok(()) => partial.publish(blob),
            Err(error) => {
                partial.discard();
                Err(error)
            }
        }
    }

    /// Receives until all is there, asking again for the rest whenever the connection breaks.
    fn receive(
        &self,
        announced: &Announced<'_>,
        partial: &mut Partial,
        report: &mut Report<'_>,
    ) -> Result<(), HubError> {
        let mut patience = self.http.patience();
        // Of a file of unknown size no part can be told from the whole.
        if announced.size.is_none_or(|size| partial.length() > size) {
            partial.clear()?;
        }
        while announced.size != Some(partial.length()) {
            let before = partial.length();
            match self.receive_once(announced, partial, report) {
                Ok(()) => return Ok(()),
                Err(HubError::Status { status: 416, .. }) if before > 0 => partial.clear()?,
                Err(error) => {
                    if partial.length() > before {
                        patience.renew();
                    }
                    patience.wait(error, report)?;
                }
            }
        }
        Ok(())
    }

    fn receive_once(
        &self,
        announced: &Announced<'_>,
        partial: &mut Partial,
        report: &mut Report<'_>,
    ) -> Result<(), HubError> {
        let url = &announced.url;
        if announced.size.is_none() {
            partial.clear()?;
        }
        let ask = Ask { id: self.id, url, what: What::Bytes(partial.length()) };
        let response = self.http.ask_once(&ask)?;
        if response.status() != StatusCode::PARTIAL_CONTENT {
            partial.clear()?;
        } else if range_start(&response) != Some(partial.length()) {
            let reason = "it sends another part of the file than was asked for".to_owned();
            return Err(HubError::BadAnswer { url: url.clone(), reason });
        }
        let length = response.body().content_length().map(|rest| partial.length() + rest);
        let total = announced.size.or(length);
        let mut body = response.into_body().into_reader();
        let mut chunk = vec![0; CHUNK];
        loop {
            report(Progress::Download { file: announced.file, done: partial.length(), total });
            let count = body.read(&mut chunk).map_err(|error| unreachable(url, error.into()))?;
            if count == 0 {
                return Ok(());
            }
            partial.append(&chunk[..count])?;
            if announced.size.is_some_and(|size| partial.length() > size) {
                // Not to fill the disk with what will be refused.
                return Ok(());
            }
        }
    }
}

impl Announced<'_> {
    /// Whether the blob is there. One of another size was not finished by whoever wrote it.
    fn is_whole(&self, blob: &Path) -> bool {
        let length = blob.metadata().ok().filter(|blob| blob.is_file()).map(|blob| blob.len());
        length.is_some_and(|length| self.size.is_none_or(|size| size == length))
    }

    fn check(&self, partial: &Partial) -> Result<(), HubError> {
        let damaged = |reason| Err(HubError::Damaged { file: self.file.to_owned(), reason });
        let length = partial.length();
        if let Some(size) = self.size.filter(|size| *size != length) {
            return damaged(format!("{length} bytes in place of {size}"));
        }
        let is_sha256 = self.etag.len() == 64 && self.etag.bytes().all(|b| b.is_ascii_hexdigit());
        if is_sha256 && !partial.sha256().eq_ignore_ascii_case(&self.etag) {
            return damaged(format!("its SHA-256 is {}, not {}", partial.sha256(), self.etag));
        }
        Ok(())
    }
}

/// Where the part begins that an answer holds, from `bytes 5-9/10`.
fn range_start<B>(response: &Response<B>) -> Option<u64> {
    let range = text(response.headers(), "content-range")?.trim().strip_prefix("bytes ")?;
    range.split('-').next()?.trim().parse().ok()
}

/// The bare tag, if it can be the name of a file.
fn normal_etag(etag: &str) -> Option<String> {
    let bare = etag.trim().trim_start_matches("W/").trim_matches('"');
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let usable = bare.chars().all(allowed)
        && bare.starts_with(|c: char| c.is_ascii_alphanumeric())
        && bare.len() <= 128;
    usable.then(|| bare.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn etags_become_file_names_or_are_refused() {
        assert_eq!(normal_etag("\"abc-1\"").unwrap(), "abc-1");
        assert_eq!(normal_etag("W/\"abc\"").unwrap(), "abc");
        for etag in ["", "\"\"", "\"../x\"", "\"a/b\"", "\"..\"", "\"a\\\\b\""] {
            assert_eq!(normal_etag(etag), None, "{etag}");
        }
    }
}
