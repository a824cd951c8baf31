//! The files of a cache.

use std::fs::{self, DirEntry, File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use sha2::{Digest, Sha256};

use crate::CacheOptions;

/// Hexadecimal digits of an address's hash in a name.
const HASH_DIGITS: usize = 16;

/// The most of an address's last part in a name, in bytes.
const MAX_NAME: usize = 64;

/// How many digits of the hash choose the lock: few enough that lock files never need removing.
const TURN_DIGITS: usize = 2;

/// The lock of who makes room; no address's.
const ROOM: &str = "room";

/// A shard's name in the folder.
pub(super) struct Entry(String);

impl Entry {
    /// Tells apart all addresses, and a person which is which.
    pub fn of(url: &str) -> Self {
        let hash = Sha256::digest(url.as_bytes());
        let digits: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
        let path = url.split(['?', '#']).next().unwrap_or(url);
        let last = path.rsplit('/').next().unwrap_or(path);
        let plain =
            |character: &char| character.is_ascii_alphanumeric() || "._-".contains(*character);
        let readable: String = last.chars().filter(plain).take(MAX_NAME).collect();
        Self(format!("{}-{readable}", &digits[..HASH_DIGITS]))
    }

    /// The lock of who fetches it.
    pub fn turn(&self) -> &str {
        &self.0[..TURN_DIGITS]
    }

    /// The entry of a file's name, if it is one.
    fn parse(name: &str) -> Option<Self> {
        let (digits, _) = name.split_once('-')?;
        let is_hash =
            digits.len() == HASH_DIGITS && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
        is_hash.then(|| Self(name.to_owned()))
    }
}

/// The folder: whole shards in it, those on their way in `partial`, and who is at work in `locks`.
#[derive(Debug)]
pub(super) struct Folder(CacheOptions);

/// A file that takes room.
struct Taking {
    path: PathBuf,
    bytes: u64,
    used: SystemTime,
}

impl Folder {
    pub fn new(options: CacheOptions) -> Self {
        Self(options)
    }

    pub fn make(&self) -> io::Result<()> {
        fs::create_dir_all(self.partials())?;
        fs::create_dir_all(self.locks())
    }

    pub fn path(&self, entry: &Entry) -> PathBuf {
        self.0.folder.join(&entry.0)
    }

    pub fn partial(&self, entry: &Entry) -> PathBuf {
        self.partials().join(&entry.0)
    }

    /// Waits for other threads and processes; the lock goes with the file.
    pub fn lock(&self, name: &str) -> io::Result<File> {
        let file = self.lock_file(name)?;
        file.lock()?;
        Ok(file)
    }

    /// A file of so many bytes, after making room for it; `None` if there is too little.
    pub fn reserve(&self, path: &Path, size: u64) -> io::Result<Option<File>> {
        let _lock = self.lock(ROOM)?;
        if !self.make_room(size)? {
            return Ok(None);
        }
        let mut options = OpenOptions::new();
        let file = options.read(true).write(true).create(true).truncate(true).open(path)?;
        // Others see at once how much is spoken for.
        file.set_len(size)?;
        Ok(Some(file))
    }

    /// Removes what crashed processes have left, then what was used longest ago, until so many
    /// bytes fit; whether they do.
    fn make_room(&self, size: u64) -> io::Result<bool> {
        let (mut removable, mut staying) = (Vec::new(), size);
        for file in files_in(&self.partials())? {
            if self.is_in_progress(&file)? {
                staying = staying.saturating_add(file.bytes);
            } else {
                removable.push(file);
            }
        }
        if staying > self.0.max_bytes {
            return Ok(false);
        }
        let mut whole = files_in(&self.0.folder)?;
        whole.sort_by_key(|file| file.used);
        removable.append(&mut whole);
        let mut taken = staying + removable.iter().map(|file| file.bytes).sum::<u64>();
        for file in removable {
            if taken <= self.0.max_bytes {
                break;
            }
            remove(&file.path)?;
            taken -= file.bytes;
        }
        Ok(true)
    }

    /// Whether somebody holds the lock of a file on its way.
    fn is_in_progress(&self, partial: &Taking) -> io::Result<bool> {
        let name = partial.path.file_name().unwrap_or_default().to_string_lossy();
        let Some(entry) = Entry::parse(&name) else { return Ok(true) };
        match self.lock_file(entry.turn())?.try_lock() {
            Ok(()) => Ok(false),
            Err(TryLockError::WouldBlock) => Ok(true),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    fn lock_file(&self, name: &str) -> io::Result<File> {
        let path = self.locks().join(name);
        OpenOptions::new().create(true).truncate(false).write(true).open(path)
    }

    fn partials(&self) -> PathBuf {
        self.0.folder.join("partial")
    }

    fn locks(&self) -> PathBuf {
        self.0.folder.join("locks")
    }
}

/// The cache's own files in a folder: what else lies there is left alone.
fn files_in(folder: &Path) -> io::Result<Vec<Taking>> {
    let mut files = Vec::new();
    for file in fs::read_dir(folder)? {
        files.extend(taking(&file?)?);
    }
    Ok(files)
}

/// `None` for a foreign file, and for one that another process has just removed.
fn taking(file: &DirEntry) -> io::Result<Option<Taking>> {
    if Entry::parse(&file.file_name().to_string_lossy()).is_none() {
        return Ok(None);
    }
    match file.metadata() {
        Ok(metadata) => {
            let (bytes, used) = (metadata.len(), metadata.modified()?);
            Ok(Some(Taking { path: file.path(), bytes, used }))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Removes a file that may be gone already.
pub(super) fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_addresses_apart_and_stay_in_the_folder() {
        let name = |url: &str| Entry::of(url).0;
        assert!(name("https://host/a/000.tar?key=x/y").ends_with("-000.tar"));
        assert_ne!(name("https://host/a/000.tar"), name("https://host/b/000.tar"));
        let odd = name(&format!("s3://bucket/..\\..{}é\0", "n".repeat(300)));
        assert!(odd.len() < 90 && !odd.contains(['/', '\\', '\0']), "{odd}");
        assert!(Entry::parse(&odd).is_some());
        assert!(Entry::parse("notes-of-mine.txt").is_none());
    }

    #[test]
    fn only_what_the_cache_made_makes_room() {
        let temporary = tempfile::tempdir().unwrap();
        let folder = Folder::new(CacheOptions { folder: temporary.path().into(), max_bytes: 10 });
        folder.make().unwrap();
        fs::write(temporary.path().join("notes.txt"), [0; 50]).unwrap();
        let kept = |name: &str| folder.path(&Entry::of(name)).exists();
        for (age, name) in [(3, "old"), (1, "new"), (2, "middle")] {
            let file = File::create(folder.path(&Entry::of(name))).unwrap();
            file.set_len(3).unwrap();
            let hour = std::time::Duration::from_secs(3600);
            file.set_modified(SystemTime::now() - age * hour).unwrap();
        }
        assert!(folder.make_room(1).unwrap());
        assert_eq!(["old", "middle", "new"].map(kept), [true; 3]);
        assert!(folder.make_room(4).unwrap());
        assert_eq!(["old", "middle", "new"].map(kept), [false, true, true]);
        assert!(!folder.make_room(11).unwrap(), "nothing is removed in vain");
        assert!(kept("new") && temporary.path().join("notes.txt").exists());
    }

    #[test]
    fn what_is_on_its_way_takes_room_until_its_maker_is_gone() {
        let temporary = tempfile::tempdir().unwrap();
        let folder = Folder::new(CacheOptions { folder: temporary.path().into(), max_bytes: 10 });
        folder.make().unwrap();
        let entry = Entry::of("https://host/a.tar");
        let turn = folder.lock(entry.turn()).unwrap();
        assert!(folder.reserve(&folder.partial(&entry), 8).unwrap().is_some());
        assert!(!folder.make_room(3).unwrap());
        fs::write(folder.path(&Entry::of("whole")), [0; 2]).unwrap();
        assert!(!folder.make_room(3).unwrap() && folder.path(&Entry::of("whole")).exists());
        drop(turn);
        assert!(folder.make_room(3).unwrap());
        assert!(!folder.partial(&entry).exists());
    }
}
