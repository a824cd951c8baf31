//! Downloads from a server on this machine, undisturbed and disturbed.

use std::io::{BufRead, BufReader};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use super::super::testing::{cifar10_members, gzipped, md5_of_bytes};
use super::*;

/// Serves one archive until the process ends.
struct Server {
    origin: String,
    /// The `Range` header of each request so far.
    ranges: Arc<Mutex<Vec<Option<String>>>>,
}

impl Server {
    /// The first answer breaks off after `cut` bytes, if any.
    fn start(archive: Vec<u8>, mut cut: Option<usize>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        let ranges = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&ranges);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let stream = stream.unwrap();
                let (path, range) = read_request(&stream);
                seen.lock().unwrap().push(range.clone());
                answer(stream, &path, range.as_deref(), &archive, cut.take());
            }
        });
        Self { origin, ranges }
    }

    fn ranges(&self) -> Vec<Option<String>> {
        std::mem::take(&mut *self.ranges.lock().unwrap())
    }
}

fn read_request(stream: &TcpStream) -> (String, Option<String>) {
    let mut lines = BufReader::new(stream).lines().map(|line| line.unwrap());
    let path = lines.next().unwrap().split(' ').nth(1).unwrap().to_owned();
    let headers: Vec<_> = lines.take_while(|line| !line.is_empty()).collect();
    let range = headers.iter().find_map(|header| {
        let (name, value) = header.split_once(": ")?;
        name.eq_ignore_ascii_case("range").then(|| value.to_owned())
    });
    (path, range)
}

fn answer(
    mut stream: TcpStream,
    path: &str,
    range: Option<&str>,
    archive: &[u8],
    cut: Option<usize>,
) {
    let start = range.map_or(0, |range| {
        range.trim_start_matches("bytes=").trim_end_matches('-').parse::<usize>().unwrap()
    });
    let (size, nothing) = (archive.len(), &archive[..0]);
    let (status, rest) = match start {
        _ if path != "/cifar-10-binary.tar.gz" => ("404 Not Found", nothing),
        0 => ("200 OK", archive),
        _ if start < size => ("206 Partial Content", &archive[start..]),
        _ => ("416 Range Not Satisfiable", nothing),
    };
    let mut head = format!("HTTP/1.1 {status}\r\nconnection: close\r\n");
    head += &format!("content-length: {}\r\n", rest.len());
    if status.starts_with("206") {
        head += &format!("content-range: bytes {start}-{}/{size}\r\n", size - 1);
    }
    head += "\r\n";
    let body = &rest[..cut.unwrap_or(rest.len()).min(rest.len())];
    // A client that hangs up is none of the server's business.
    let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body));
}

/// CIFAR-10 at an origin, with the MD5 of what is published there.
fn source<'a>(origin: &str, md5: &'a str) -> Source<'a> {
    let url = format!("{origin}/cifar-10-binary.tar.gz");
    Source { set: CifarSet::Cifar10, url, md5 }
}

fn fetched(source: &Source<'_>, cache: &Path) -> Result<PathBuf, DataError> {
    source.folder(cache, &mut |_, _| {})
}

fn archive() -> (Vec<u8>, String) {
    let bytes = gzipped(&cifar10_members());
    let md5 = md5_of_bytes(&bytes);
    (bytes, md5)
}

fn partial(cache: &Path) -> PathBuf {
    cache.join("cifar-10-binary.tar.gz.partial")
}

#[test]
fn a_set_is_downloaded_once() {
    let (bytes, md5) = archive();
    let size = bytes.len() as u64;
    let server = Server::start(bytes, None);
    let source = source(&server.origin, &md5);
    let cache = tempfile::tempdir().unwrap();
    let deep = cache.path().join("clip-rs/cifar");
    let mut reports = Vec::new();
    let folder = source.folder(&deep, &mut |done, total| reports.push((done, total))).unwrap();
    assert_eq!(folder, deep.join("cifar-10-batches-bin"));
    assert_eq!(fs::read(folder.join("test_batch.bin")).unwrap(), b"test");
    assert_eq!(reports.first(), Some(&(0, Some(size))));
    assert_eq!(reports.last(), Some(&(size, Some(size))));
    assert!(!partial(&deep).exists());
    assert_eq!(fetched(&source, &deep).unwrap(), folder);
    assert_eq!(server.ranges(), [None::<String>]);
}

#[test]
fn a_broken_connection_is_taken_up_again() {
    let (bytes, md5) = archive();
    let server = Server::start(bytes, Some(100));
    let cache = tempfile::tempdir().unwrap();
    fetched(&source(&server.origin, &md5), cache.path()).unwrap();
    assert_eq!(server.ranges(), [None, Some("bytes=100-".to_owned())]);
}

#[test]
fn what_an_earlier_process_left_is_used() {
    let (bytes, md5) = archive();
    let server = Server::start(bytes.clone(), None);
    let source = source(&server.origin, &md5);
    for (left, size) in [(&bytes[..50], 50), (&bytes[..], bytes.len())] {
        let cache = tempfile::tempdir().unwrap();
        fs::write(partial(cache.path()), left).unwrap();
        fetched(&source, cache.path()).unwrap();
        assert_eq!(server.ranges(), [Some(format!("bytes={size}-"))]);
    }
}

#[test]
fn rotten_leftovers_are_fetched_anew() {
    let (bytes, md5) = archive();
    let server = Server::start(bytes, None);
    let cache = tempfile::tempdir().unwrap();
    fs::write(partial(cache.path()), [7; 50]).unwrap();
    fetched(&source(&server.origin, &md5), cache.path()).unwrap();
    assert_eq!(server.ranges(), [Some("bytes=50-".to_owned()), None]);
}

#[test]
fn a_damaged_archive_is_removed_and_named() {
    let (mut bytes, md5) = archive();
    bytes[20] ^= 1;
    let server = Server::start(bytes, None);
    let cache = tempfile::tempdir().unwrap();
    let error = fetched(&source(&server.origin, &md5), cache.path()).unwrap_err();
    assert!(matches!(&error, DataError::Damaged { path, .. } if *path == partial(cache.path())));
    assert!(!partial(cache.path()).exists());
    assert!(!cache.path().join("cifar-10-batches-bin").exists());
}

#[test]
fn an_archive_that_was_put_there_is_used_and_kept() {
    let (bytes, md5) = archive();
    let cache = tempfile::tempdir().unwrap();
    let put = cache.path().join("cifar-10-binary.tar.gz");
    fs::write(&put, bytes).unwrap();
    let folder = fetched(&source("http://127.0.0.1:1", &md5), cache.path()).unwrap();
    assert!(folder.join("batches.meta.txt").is_file() && put.is_file());
}

#[test]
fn without_a_server_the_error_says_what_to_get_and_where_to_put_it() {
    let cache = tempfile::tempdir().unwrap();
    let unused = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let origin = format!("http://{unused}/");
    let error = download_cifar(CifarSet::Cifar10, cache.path(), &origin, |_, _| {});
    let error = error.unwrap_err().to_string();
    let url = format!("cannot download http://{unused}/cifar-10-binary.tar.gz: ");
    let put = format!("put it at {}", cache.path().join("cifar-10-binary.tar.gz").display());
    assert!(error.starts_with(&url) && error.ends_with(&put), "{error}");

    let server = Server::start(Vec::new(), None);
    let error = download_cifar(CifarSet::Cifar100, cache.path(), &server.origin, |_, _| {});
    let error = error.unwrap_err().to_string();
    assert!(error.contains("the server answers with 404"), "{error}");
}

#[test]
fn an_incomplete_folder_is_named_before_anything_is_fetched() {
    let cache = tempfile::tempdir().unwrap();
    fs::create_dir(cache.path().join("cifar-10-batches-bin")).unwrap();
    let error = fetched(&source("http://127.0.0.1:1", ""), cache.path()).unwrap_err().to_string();
    assert!(error.contains("cifar-10-batches-bin: this is no complete CIFAR-10"), "{error}");
}
