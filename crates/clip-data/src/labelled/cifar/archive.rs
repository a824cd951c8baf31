//! A downloaded archive: is it the right one, and what is in it.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use flate2::read::GzDecoder;
use md5::{Digest, Md5};
use tar::Archive;

use super::set::Layout;
use crate::DataError;

/// More than either archive unpacks to, which is about 185 MB.
const MAX_UNPACKED: u64 = 1 << 28;

/// How many bytes are hashed at once.
const CHUNK: usize = 1 << 18;

/// Checks an archive against its published MD5 and removes it when it is another file.
pub(super) fn check(archive: &Path, md5: &str) -> Result<(), DataError> {
    let found = md5_of(archive).map_err(|source| DataError::io(archive, source))?;
    if found == md5 {
        return Ok(());
    }
    fs::remove_file(archive).map_err(|source| DataError::write(archive, source))?;
    let reason = format!("its MD5 is {found}, not {md5}");
    Err(DataError::Damaged { path: archive.to_owned(), reason })
}

fn md5_of(path: &Path) -> io::Result<String> {
    let mut file = File::open(path)?;
    let (mut hash, mut chunk) = (Md5::new(), vec![0; CHUNK]);
    loop {
        let count = file.read(&mut chunk)?;
        if count == 0 {
            return Ok(hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect());
        }
        hash.update(&chunk[..count]);
    }
}

/// Unpacks the data set's files into their folder in `cache`, which appears whole or not at all.
pub(super) fn unpack(archive: &Path, layout: &Layout, cache: &Path) -> Result<PathBuf, DataError> {
    let folder = cache.join(layout.folder);
    let new = folder.with_added_extension("new");
    if new.exists() {
        // Left by a process that was stopped.
        fs::remove_dir_all(&new).map_err(|source| DataError::write(&new, source))?;
    }
    fs::create_dir_all(&new).map_err(|source| DataError::write(&new, source))?;
    let unpacked = unpack_into(&new, archive, layout).and_then(|()| {
        fs::rename(&new, &folder).map_err(|source| DataError::write(&folder, source))
    });
    if unpacked.is_err() {
        let _ = fs::remove_dir_all(&new);
    }
    unpacked.map(|()| folder)
}

fn unpack_into(folder: &Path, archive: &Path, layout: &Layout) -> Result<(), DataError> {
    let unreadable = |source| DataError::io(archive, source);
    let mut missing = [layout.train, &[layout.test, layout.names]].concat();
    let file = File::open(archive).map_err(unreadable)?;
    let mut tar = Archive::new(GzDecoder::new(file).take(MAX_UNPACKED));
    for entry in tar.entries().map_err(unreadable)? {
        let mut entry = entry.map_err(unreadable)?;
        if !entry.header().entry_type().is_file() {
            continue;
        }
        let path = entry.path().map_err(unreadable)?.into_owned();
        let path = path.strip_prefix(".").unwrap_or(&path);
        // Only names that are known beforehand: no archive can write anywhere else.
        let wanted = |name: &&str| path == Path::new(layout.folder).join(name);
        let Some(position) = missing.iter().position(wanted) else { continue };
        let name = missing.swap_remove(position);
        let size = entry.size();
        let written = write_whole(&mut entry, size, &folder.join(name));
        written.map_err(|error| {
            DataError::layout(archive, format!("{name} cannot be unpacked: {error}"))
        })?;
    }
    match missing.is_empty() {
        true => Ok(()),
        false => Err(DataError::layout(archive, format!("it has no {}", missing.join(", ")))),
    }
}

fn write_whole(member: &mut impl Read, size: u64, path: &Path) -> io::Result<()> {
    let mut file = File::create_new(path)?;
    let written = io::copy(member, &mut file)?;
    if written != size {
        return Err(io::Error::other(format!("it ends after {written} of {size} bytes")));
    }
    // Before the folder gets its name, lest a power cut leaves a complete name on empty files.
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::super::CifarSet;
    use super::super::testing::{cifar10_members, gzipped, md5_of_bytes};
    use super::*;

    fn unpacked(cache: &Path, members: &[(&str, &[u8])]) -> Result<PathBuf, DataError> {
        let archive = cache.join("a.tar.gz");
        fs::write(&archive, gzipped(members)).unwrap();
        unpack(&archive, CifarSet::Cifar10.layout(), cache)
    }

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap();
        let mut names: Vec<String> =
            entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into()).collect();
        names.sort();
        names
    }

    #[test]
    fn only_the_files_of_the_data_set_are_unpacked() {
        let cache = tempfile::tempdir().unwrap();
        let mut members = cifar10_members();
        members.push(("cifar-10-batches-bin/readme.html", b"<p>"));
        members.push(("evil.bin", b"no"));
        members.push(("other/test_batch.bin", b"no"));
        members.push(("cifar-10-batches-bin/test_batch.bin", b"a second one"));
        let folder = unpacked(cache.path(), &members).unwrap();
        assert_eq!(names(cache.path()), ["a.tar.gz", "cifar-10-batches-bin"]);
        let expected = [
            "batches.meta.txt",
            "data_batch_1.bin",
            "data_batch_2.bin",
            "data_batch_3.bin",
            "data_batch_4.bin",
            "data_batch_5.bin",
            "test_batch.bin",
        ];
        assert_eq!(names(&folder), expected);
        assert_eq!(fs::read(folder.join("test_batch.bin")).unwrap(), b"test");
    }

    #[test]
    fn an_incomplete_archive_leaves_no_folder() {
        let cache = tempfile::tempdir().unwrap();
        let members = cifar10_members();
        let error = unpacked(cache.path(), &members[1..]).unwrap_err().to_string();
        assert!(error.contains("a.tar.gz: it has no data_batch_1.bin"), "{error}");
        assert_eq!(names(cache.path()), ["a.tar.gz"]);

        let archive = cache.path().join("a.tar.gz");
        let bytes = gzipped(&members);
        fs::write(&archive, &bytes[..bytes.len() / 2]).unwrap();
        unpack(&archive, CifarSet::Cifar10.layout(), cache.path()).unwrap_err();
        assert_eq!(names(cache.path()), ["a.tar.gz"]);
    }

    #[test]
    fn what_a_stopped_process_left_is_replaced() {
        let cache = tempfile::tempdir().unwrap();
        let stale = cache.path().join("cifar-10-batches-bin.new");
        fs::create_dir(&stale).unwrap();
        fs::write(stale.join("test_batch.bin"), "half").unwrap();
        let folder = unpacked(cache.path(), &cifar10_members()).unwrap();
        assert_eq!(fs::read(folder.join("test_batch.bin")).unwrap(), b"test");
    }

    #[test]
    fn an_archive_with_another_hash_is_removed_and_named() {
        let cache = tempfile::tempdir().unwrap();
        let archive = cache.path().join("a.tar.gz");
        fs::write(&archive, "abc").unwrap();
        check(&archive, "900150983cd24fb0d6963f7d28e17f72").unwrap();
        let error = check(&archive, &md5_of_bytes(b"abd")).unwrap_err().to_string();
        let reason = "a.tar.gz is damaged: its MD5 is 900150983cd24fb0d6963f7d28e17f72, not ";
        assert!(error.contains(reason), "{error}");
        assert!(!archive.exists());
    }
}
