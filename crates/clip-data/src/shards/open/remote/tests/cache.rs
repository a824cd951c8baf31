//! Shards that are kept on the disk.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;

use tempfile::TempDir;

use super::*;

struct Cached {
    folder: TempDir,
    opener: ShardOpener,
}

impl Cached {
    fn with_room_for(bytes: usize) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let opener = cached_opener(folder.path(), bytes);
        Self { folder, opener }
    }

    fn read(&self, url: &str) {
        assert_whole(&read_with(&self.opener, url).unwrap());
    }

    /// The shards that are kept, and those half there.
    fn files(&self) -> Vec<PathBuf> {
        let folders = [self.folder.path().to_owned(), self.folder.path().join("partial")];
        let entries = folders.iter().flat_map(|folder| fs::read_dir(folder).unwrap());
        entries.map(|entry| entry.unwrap().path()).filter(|path| path.is_file()).collect()
    }
}

fn cached_opener(folder: &Path, bytes: usize) -> ShardOpener {
    let cache = CacheOptions { folder: folder.to_owned(), max_bytes: bytes as u64 };
    opener(LONG, Some(cache))
}

fn good_server() -> Server {
    Server::start(|_, _| Answer::with(&shard()))
}

#[test]
fn a_kept_shard_needs_no_request() {
    let (server, cached) = (good_server(), Cached::with_room_for(1 << 20));
    let url = server.url("a.tar");
    cached.read(&url);
    cached.read(&url);
    assert_whole(&read_with(&cached_opener(cached.folder.path(), 0), &url).unwrap());
    assert_eq!(server.requests().len(), 1);
    let files = cached.files();
    let file = &files[0];
    assert!(files.len() == 1 && file.to_string_lossy().ends_with("-a.tar"));
    assert_eq!(fs::read(file).unwrap(), shard());
    assert_eq!(cached.opener.cache_problem(), None);
}

#[test]
fn the_shard_used_longest_ago_makes_room() {
    let (server, cached) = (good_server(), Cached::with_room_for(2 * shard().len()));
    let [a, b, c] = ["a.tar", "b.tar", "c.tar"].map(|name| server.url(name));
    for url in [&a, &b, &a, &c, &a] {
        cached.read(url);
        thread::sleep(Duration::from_millis(20));
    }
    assert_eq!(server.requests().len(), 3, "a is still there");
    assert_eq!(cached.files().len(), 2);
    cached.read(&b);
    assert_eq!(server.requests().len(), 4, "b is not");
}

#[test]
fn a_shard_above_the_limit_is_read_without_being_kept() {
    let (server, cached) = (good_server(), Cached::with_room_for(shard().len() - 1));
    cached.read(&server.url("a.tar"));
    assert_eq!(server.requests().len(), 1);
    assert!(cached.files().is_empty());
}

#[test]
fn what_a_crash_has_left_is_replaced() {
    let (server, cached) = (good_server(), Cached::with_room_for(1 << 20));
    let url = server.url("a.tar");
    cached.read(&url);
    let whole = cached.files().remove(0);
    let partial = cached.folder.path().join("partial").join(whole.file_name().unwrap());
    fs::rename(&whole, &partial).unwrap();
    fs::write(&partial, [7; 5000]).unwrap();
    cached.read(&url);
    assert_eq!(server.requests().len(), 2);
    assert_eq!(cached.files(), [whole]);
}

#[test]
fn many_at_once_ask_for_a_shard_once() {
    let (server, cached) = (good_server(), Cached::with_room_for(1 << 20));
    let url = server.url("a.tar");
    thread::scope(|scope| {
        for _ in 0..4 {
            let other = cached_opener(cached.folder.path(), 1 << 20);
            let url = &url;
            scope.spawn(move || assert_whole(&read_with(&other, url).unwrap()));
        }
    });
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn a_download_that_drops_goes_on_and_one_that_fails_leaves_nothing() {
    let cached = Cached::with_room_for(1 << 20);
    let server =
        Server::start(|number, _| Answer { cut: 40_000 * (number + 1), ..Answer::with(&shard()) });
    cached.read(&server.url("a.tar"));
    let half = || Answer { cut: 50_000, ..Answer::with(&shard()) };
    let server = Server::start(move |_, _| half());
    let message = read_with(&cached.opener, &server.url("b.tar")).unwrap_err().to_string();
    assert!(message.contains("b.tar") && message.contains("3 times"), "{message}");
    assert_eq!(cached.files().len(), 1);
}

#[test]
fn a_folder_that_cannot_be_written_is_told_and_done_without() {
    let server = good_server();
    let file = tempfile::NamedTempFile::new().unwrap();
    let opener = cached_opener(file.path(), 1 << 20);
    assert_whole(&read_with(&opener, &server.url("a.tar")).unwrap());
    let problem = opener.clone().cache_problem().unwrap();
    assert!(problem.contains("a.tar") && problem.contains("cannot keep"), "{problem}");
}

#[test]
fn a_disk_that_fails_midway_is_done_without() {
    let cached = Cached::with_room_for(1 << 20);
    let partials = cached.folder.path().join("partial");
    let losing = Arc::new(move || {
        while let Some(file) = fs::read_dir(&partials).unwrap().next() {
            fs::remove_file(file.unwrap().path()).unwrap();
        }
        thread::sleep(Duration::from_millis(2));
    });
    let server = Server::start(move |number, _| match number {
        0 => Answer { piece: 1000, midway: Some(losing.clone()), ..Answer::with(&shard()) },
        _ => Answer::with(&shard()),
    });
    cached.read(&server.url("a.tar"));
    assert!(cached.files().is_empty() && cached.opener.cache_problem().is_some());
    assert_eq!(server.requests().len(), 2);
}
