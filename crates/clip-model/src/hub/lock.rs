use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::ErrorKind;
use std::path::Path;

use super::{HubError, Progress, Report};

/// Keeps other processes from fetching the same file, until dropped or the process ends.
///
/// It is the lock that Python's `huggingface_hub` takes, so the two wait for each other.
pub(super) struct Lock {
    _file: File,
}

impl Lock {
    /// Waits for the lock named by `path`. `file` is what others are told is waited for.
    pub(super) fn wait(path: &Path, file: &str, report: &mut Report<'_>) -> Result<Self, HubError> {
        let io = |doing| HubError::io(doing, path);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(HubError::io("create", folder))?;
        }
        loop {
            let lock = OpenOptions::new().create(true).truncate(false).write(true).open(path);
            let lock = lock.map_err(io("open the lock"))?;
            let taken = match lock.try_lock() {
                Err(TryLockError::WouldBlock) => {
                    report(Progress::Waiting { file });
                    lock.lock()
                }
                Err(TryLockError::Error(error)) => Err(error),
                Ok(()) => Ok(()),
            };
            match taken {
                // Some network file systems have no locks. There a partial file may be written
                // twice at once; the check of its size and hash finds out.
                Err(error) if error.kind() != ErrorKind::Unsupported => {
                    return Err(io("take the lock")(error));
                }
                _ if is_current(&lock, path) => return Ok(Self { _file: lock }),
                _ => {}
            }
        }
    }
}

/// Whether the locked file is still the one that others would open: a lock's last holder may
/// have removed it while we waited.
#[cfg(unix)]
fn is_current(lock: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    match (lock.metadata(), fs::metadata(path)) {
        (Ok(ours), Ok(theirs)) => (ours.dev(), ours.ino()) == (theirs.dev(), theirs.ino()),
        _ => false,
    }
}

/// An open file cannot be removed here.
#[cfg(not(unix))]
fn is_current(_lock: &File, _path: &Path) -> bool {
    true
}
