//! The cache on disk, in the layout that Hugging Face's own tools share:
//!
//! ```text
//! models--org--name/blobs/<etag>                       contents, each once
//!                  /snapshots/<commit>/<file>          links to them
//!                  /refs/<revision>                    the commit that a revision was last at
//! .locks/models--org--name/<etag>.lock
//! ```

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use super::{HubError, ModelId, names};
use crate::pretrained::selection::{self, Weights};

/// The cached files of one model.
pub(super) struct Repo {
    root: PathBuf,
    locks: PathBuf,
}

/// A copy of a model that can be used without asking the hub.
pub(super) struct Copy {
    pub folder: PathBuf,
    /// Whether it has a configuration, too; a copy made for another use may have none.
    pub has_config: bool,
}

impl Repo {
    pub(super) fn new(cache: &Path, id: &ModelId) -> Self {
        let name = format!("models--{}", id.name().replace('/', "--"));
        Self { root: cache.join(&name), locks: cache.join(".locks").join(&name) }
    }

    pub(super) fn lock(&self, etag: &str) -> PathBuf {
        self.locks.join(format!("{etag}.lock"))
    }

    pub(super) fn blob(&self, etag: &str) -> PathBuf {
        self.root.join("blobs").join(etag)
    }

    pub(super) fn snapshot(&self, commit: &str) -> PathBuf {
        self.root.join("snapshots").join(commit)
    }

    /// The commit that a revision is or last was at.
    fn commit(&self, revision: &str) -> Option<String> {
        if is_commit(revision) {
            return Some(revision.to_owned());
        }
        let commit = fs::read_to_string(self.root.join("refs").join(revision)).ok()?;
        Some(commit.trim().to_owned()).filter(|commit| is_commit(commit))
    }

    /// Notes that `revision` is at `commit`.
    pub(super) fn remember(&self, revision: &str, commit: &str) -> Result<(), HubError> {
        if self.commit(revision).as_deref() == Some(commit) {
            return Ok(());
        }
        let path = self.root.join("refs").join(revision);
        replace(&path, |new| fs::write(new, commit))
    }

    /// Makes `blob` visible as `file` of a snapshot.
    pub(super) fn point(&self, commit: &str, file: &str, blob: &Path) -> Result<(), HubError> {
        let up = "../".repeat(1 + file.split('/').count());
        let name = blob.file_name().unwrap_or_default();
        let target = Path::new(&up).join("blobs").join(name);
        replace(&self.snapshot(commit).join(file), |new| {
            // Where links are not allowed, as for most users of Windows, the contents are
            // shared or, as a last resort, copied.
            symlink(&target, new)
                .or_else(|_| fs::hard_link(blob, new))
                .or_else(|_| fs::copy(blob, new).map(|_| ()))
        })
    }

    /// The copy of a revision, if it is complete.
    pub(super) fn copy(&self, revision: &str) -> Option<Copy> {
        let folder = self.snapshot(&self.commit(revision)?);
        let files: Vec<String> = fs::read_dir(&folder)
            .ok()?
            .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
            .filter(|name| folder.join(name).is_file())
            .collect();
        let is_whole = |weights: &Weights| match weights {
            Weights::Single(_) => true,
            Weights::Sharded(index) => {
                let index = fs::read_to_string(folder.join(index)).unwrap_or_default();
                let shards = names::shards(&index).unwrap_or_default();
                let exists = |shard: &String| names::is_safe(shard) && folder.join(shard).is_file();
                !shards.is_empty() && shards.iter().all(exists)
            }
        };
        if !selection::weights(&files).iter().any(is_whole) {
            return None;
        }
        let has_config = files.iter().any(|name| names::CONFIGS[..2].contains(&name.as_str()));
        Some(Copy { folder, has_config })
    }
}

/// Whether a revision is a whole commit hash, which never changes its meaning.
pub(super) fn is_commit(revision: &str) -> bool {
    revision.len() == 40 && revision.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Makes a file beside `path` and renames it, so that others see the old one or the new one.
fn replace(path: &Path, make: impl FnOnce(&Path) -> std::io::Result<()>) -> Result<(), HubError> {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(HubError::io("create", folder))?;
    }
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let name = format!(".{}-{count}.tmp", std::process::id());
    let new = path.with_file_name(name);
    // Left behind by a process of the same number that was killed.
    let _ = fs::remove_file(&new);
    make(&new).and_then(|()| fs::rename(&new, path)).map_err(|source| {
        let _ = fs::remove_file(&new);
        HubError::io("write", path)(source)
    })
}

#[cfg(unix)]
fn symlink(target: &Path, link: &Path) -> std::io::Result<()> {
    std::os::unix::fs::symlink(target, link)
}

#[cfg(windows)]
fn symlink(target: &Path, link: &Path) -> std::io::Result<()> {
    std::os::windows::fs::symlink_file(target, link)
}

#[cfg(not(any(unix, windows)))]
fn symlink(_target: &Path, _link: &Path) -> std::io::Result<()> {
    Err(std::io::ErrorKind::Unsupported.into())
}
