//! Whole shards on the disk, as many as a limit allows.

mod folder;

use std::fs::{self, File};
use std::io::{self, Read, Seek, Write};
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

use self::folder::{Entry, Folder};
use super::download::Download;
use crate::CacheOptions;
use crate::shards::open::CHUNK;

/// Shards on the disk by their addresses. A shard appears whole or not at all.
#[derive(Debug)]
pub(super) struct Cache {
    folder: Folder,
    problem: Mutex<Option<String>>,
}

/// What became of a download.
pub(super) enum Fetched {
    /// It is here.
    File(File),
    /// It doesn't fit or couldn't be written; no byte of it was taken.
    Nothing,
    /// It couldn't be written whole, and some of it was taken.
    Part,
}

/// Why a download isn't in the cache.
enum Problem {
    Source(io::Error),
    Disk(io::Error),
}

impl Cache {
    pub fn new(options: CacheOptions) -> Self {
        Self { folder: Folder::new(options), problem: Mutex::default() }
    }

    /// Why the cache couldn't be used the last time it couldn't.
    pub fn problem(&self) -> Option<String> {
        self.problem.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The shard from an address, if it is here.
    pub fn find(&self, url: &str) -> Option<File> {
        let file = File::open(self.folder.path(&Entry::of(url))).ok()?;
        // What was used last goes last. Where that can't be noted, what came last does.
        let _ = file.set_modified(SystemTime::now());
        Some(file)
    }

    /// Brings a shard here, unless it is here already.
    ///
    /// # Errors
    ///
    /// When the download fails. A disk that does is noted, and the shard can be read without it.
    pub fn fetch(&self, url: &str, download: &mut Download) -> io::Result<Fetched> {
        let entry = Entry::of(url);
        let mut taken = false;
        match self.try_fetch(url, &entry, download, &mut taken) {
            Ok(Some(file)) => Ok(Fetched::File(file)),
            Err(Problem::Source(error)) => Err(error),
            Ok(None) => Ok(Fetched::Nothing),
            Err(Problem::Disk(error)) => {
                let place = self.folder.path(&entry);
                let problem = format!("cannot keep {url} as {}: {error}", place.display());
                *self.problem.lock().unwrap_or_else(PoisonError::into_inner) = Some(problem);
                Ok(if taken { Fetched::Part } else { Fetched::Nothing })
            }
        }
    }

    fn try_fetch(
        &self,
        url: &str,
        entry: &Entry,
        download: &mut Download,
        taken: &mut bool,
    ) -> Result<Option<File>, Problem> {
        self.folder.make().map_err(Problem::Disk)?;
        let _turn = self.folder.lock(entry.turn()).map_err(Problem::Disk)?;
        if let Some(file) = self.find(url) {
            return Ok(Some(file));
        }
        let partial = self.folder.partial(entry);
        folder::remove(&partial).map_err(Problem::Disk)?;
        let size = download.size().map_err(Problem::Source)?;
        let reserved = self.folder.reserve(&partial, size).map_err(Problem::Disk)?;
        let Some(mut file) = reserved else { return Ok(None) };
        *taken = true;
        let kept =
            copy(download, &mut file).and_then(|()| self.keep(file, entry).map_err(Problem::Disk));
        if kept.is_err() {
            let _ = folder::remove(&partial);
        }
        kept.map(Some)
    }

    /// Gives what was received its name.
    fn keep(&self, mut file: File, entry: &Entry) -> io::Result<File> {
        file.sync_all()?;
        fs::rename(self.folder.partial(entry), self.folder.path(entry))?;
        file.rewind()?;
        Ok(file)
    }
}

fn copy(download: &mut Download, file: &mut File) -> Result<(), Problem> {
    let mut chunk = vec![0; CHUNK];
    loop {
        match download.read(&mut chunk).map_err(Problem::Source)? {
            0 => return Ok(()),
            count => file.write_all(&chunk[..count]).map_err(Problem::Disk)?,
        }
    }
}
