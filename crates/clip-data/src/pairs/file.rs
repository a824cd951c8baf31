//! Files that a table or a folder names.

use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::Path;

use crate::{Cause, DEFAULT_MAX_MEMBER_BYTES};

/// Reads a regular file, up to the size that members of shards may have.
///
/// The error is what is wrong; `missing` is its cause when there is no such file.
pub(super) fn read_file(path: &Path, missing: Cause) -> Result<Vec<u8>, (Cause, String)> {
    read_at_most(path, missing, DEFAULT_MAX_MEMBER_BYTES)
}

fn read_at_most(path: &Path, missing: Cause, limit: u64) -> Result<Vec<u8>, (Cause, String)> {
    let shown = path.display();
    let failed = |error: std::io::Error| {
        let gone = matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory);
        let cause = if gone { missing } else { Cause::SourceFailed };
        (cause, format!("cannot read {shown}: {error}"))
    };
    // Asked before it is opened: opening a pipe would wait for its writer.
    let described = path.metadata().map_err(failed)?;
    if !described.is_file() {
        return Err((missing, format!("{shown} is no regular file")));
    }
    let too_large = || {
        let reason = format!("{shown} has more than {limit} bytes: make it smaller or remove it");
        (Cause::MemberTooLarge, reason)
    };
    if described.len() > limit {
        return Err(too_large());
    }
    let mut bytes = Vec::with_capacity(described.len() as usize);
    // One byte more tells that the file has grown since.
    File::open(path)
        .and_then(|file| file.take(limit + 1).read_to_end(&mut bytes))
        .map_err(failed)?;
    if bytes.len() as u64 > limit { Err(too_large()) } else { Ok(bytes) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_regular_files_of_some_size_are_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        std::fs::write(&path, "12345").unwrap();
        assert_eq!(read_at_most(&path, Cause::NoImage, 5).unwrap(), b"12345");
        let cause = |path: &Path| read_at_most(path, Cause::NoImage, 4).unwrap_err().0;
        assert_eq!(cause(&path), Cause::MemberTooLarge);
        assert_eq!(cause(folder.path()), Cause::NoImage);
        assert_eq!(cause(&path.join("b")), Cause::NoImage);
        assert_eq!(cause(Path::new("/dev/zero")), Cause::NoImage);
    }
}
