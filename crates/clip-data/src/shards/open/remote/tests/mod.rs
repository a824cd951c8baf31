//! Shards from a server that is as bad as real ones are.

mod cache;
mod s3;

use std::time::{Duration, Instant};

use super::testing::{Answer, Request, Server};
use crate::shards::open::options::Patience;
use crate::testing::tar_bytes;
use crate::{
    CacheOptions, Cause, DataError, Fault, Location, OpenOptions, RawSample, ShardOpener,
    ShardReader,
};

/// More than any try takes.
const LONG: Duration = Duration::from_secs(20);

/// Less than any server is silent for.
const SHORT: Duration = Duration::from_millis(250);

fn opener(timeout: Duration, cache: Option<CacheOptions>) -> ShardOpener {
    let options = OpenOptions { cache, ..OpenOptions::default() };
    let patience = Patience { retries: 2, timeout, first_wait: Duration::from_millis(1) };
    ShardOpener::with_patience(&options, patience)
}

/// About 100 kB of members, no two alike.
fn shard() -> Vec<u8> {
    let member = |number: usize| (format!("{number:03}.txt"), vec![number as u8; 2000]);
    let members: Vec<_> = (0..40).map(member).collect();
    let borrowed = members.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice()));
    tar_bytes(&borrowed.collect::<Vec<_>>())
}

fn read_with(opener: &ShardOpener, url: &str) -> Result<Vec<Result<RawSample, Fault>>, DataError> {
    Ok(ShardReader::open(&Location::parse(url), opener, 1 << 20)?.collect())
}

fn assert_whole(samples: &[Result<RawSample, Fault>]) {
    assert_eq!(samples.len(), 40);
    for (number, sample) in samples.iter().enumerate() {
        let sample = sample.as_ref().unwrap();
        assert_eq!(sample.key, format!("{number:03}"));
        assert_eq!(sample.member("txt"), Some(vec![number as u8; 2000].as_slice()));
    }
}

/// Reads the shard from a server, whole.
fn assert_survives(server: &Server, timeout: Duration) {
    assert_whole(&read_with(&opener(timeout, None), &server.url("a.tar")).unwrap());
}

/// What the shard's last fault says, after some whole samples.
fn failure(server: &Server, timeout: Duration) -> String {
    let url = server.url("a.tar");
    let mut samples = read_with(&opener(timeout, None), &url).unwrap();
    let fault = samples.pop().unwrap().unwrap_err();
    assert_eq!((fault.cause, &fault.shard), (Cause::SourceFailed, &url));
    assert!(!samples.is_empty() && samples.iter().all(Result::is_ok));
    fault.to_string()
}

/// Why the shard can't be opened at all.
fn refusal(server: &Server, timeout: Duration) -> String {
    let url = server.url("a.tar");
    let message = read_with(&opener(timeout, None), &url).unwrap_err().to_string();
    assert!(message.contains(&url), "{message}");
    message
}

#[test]
fn a_shard_arrives_in_one_request_and_its_address_is_used_as_it_is() {
    let server = Server::start(|_, _| Answer::with(&shard()));
    let url = server.url("a%20b/c.tar?signature=x%2Fy%3D&expires=1");
    assert_whole(&read_with(&opener(LONG, None), &url).unwrap());
    let requests = server.requests();
    let request = &requests[0];
    assert_eq!(requests.len(), 1);
    assert!(url.ends_with(&request.path) && request.range.is_none(), "{request:?}");
}

#[test]
fn dropped_connections_go_on_at_the_byte_that_was_reached() {
    let server = Server::start(|number, _| Answer {
        cut: 10_000 * (number + 1) + 7,
        ..Answer::with(&shard())
    });
    assert_survives(&server, LONG);
    let ranges = server.ranges();
    assert!(ranges.len() > 5, "more drops than tries in a row are allowed");
    assert_eq!(ranges[..3], [None, Some("bytes=10007-".into()), Some("bytes=20007-".into())]);
}

#[test]
fn compressed_shards_survive_dropped_connections_too() {
    use std::io::Write;
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(&shard()).unwrap();
    let level = ruzstd::encoding::CompressionLevel::Fastest;
    let zstd = ruzstd::encoding::compress_to_vec(shard().as_slice(), level);
    for bytes in [gzip.finish().unwrap(), zstd] {
        let server = Server::start(move |number, _| Answer {
            cut: 300 * (number + 1),
            ..Answer::with(&bytes)
        });
        assert_survives(&server, LONG);
        assert!(server.requests().len() > 2);
    }
}

#[test]
fn a_server_without_ranges_is_read_forward_again() {
    let server = Server::start(|number, _| Answer {
        ranges: false,
        cut: 30_000 * (number + 1),
        ..Answer::with(&shard())
    });
    assert_survives(&server, LONG);
    assert!(server.requests().len() > 3);
}

#[test]
fn a_busy_server_is_asked_again_but_not_for_ever() {
    for status in ["503 Service Unavailable", "429 Too Many Requests", "500 Oops"] {
        let server = Server::start(move |number, _| match number {
            0 | 1 => Answer::status(status),
            _ => Answer::with(&shard()),
        });
        assert_survives(&server, LONG);
        assert_eq!(server.requests().len(), 3);
    }
    let server = Server::start(|_, _| Answer::status("503 Service Unavailable"));
    let message = refusal(&server, LONG);
    assert!(message.contains("503") && message.contains("3 times"), "{message}");
    assert_eq!(server.requests().len(), 3);
}

#[test]
fn a_server_that_fails_midway_fails_the_shard_after_its_whole_samples() {
    let server = Server::start(|number, _| match number {
        0 => Answer { cut: 50_000, ..Answer::with(&shard()) },
        _ => Answer::status("502 Bad Gateway"),
    });
    let message = failure(&server, LONG);
    assert!(message.contains("502") && message.contains("3 times"), "{message}");
    assert_eq!(server.requests().len(), 3, "the drop counts too");
}

#[test]
fn half_a_file_is_no_file() {
    let half = || Answer { cut: 50_000, ..Answer::with(&shard()) };
    let server = Server::start(move |_, _| half());
    assert!(failure(&server, LONG).contains("3 times"));
    // The same bytes as a whole object are a broken shard of a source that is all right.
    let server = Server::start(|_, _| Answer::with(&shard()[..50_000]));
    let samples = read_with(&opener(LONG, None), &server.url("a.tar")).unwrap();
    assert_eq!(samples.last().unwrap().as_ref().unwrap_err().cause, Cause::BrokenShard);
}

#[test]
fn a_slow_server_is_waited_for() {
    let server = Server::start(|_, _| Answer { piece: 1000, ..Answer::with(&shard()) });
    assert_survives(&server, LONG);
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn a_server_that_stalls_is_asked_again_and_then_given_up() {
    let start = Instant::now();
    let stalling = |cut| Answer { cut, stalls: true, ..Answer::with(&shard()) };
    let server = Server::start(move |number, _| match number {
        0 => stalling(0),
        1 => stalling(40_000),
        _ => Answer::with(&shard()),
    });
    assert_survives(&server, SHORT);
    let server = Server::start(move |_, _| stalling(50_000));
    assert!(failure(&server, SHORT).contains("sent nothing for 0.25 seconds"));
    let server = Server::start(move |_, _| stalling(0));
    assert!(refusal(&server, SHORT).contains("sent nothing"));
    assert!(start.elapsed() < LONG);
}

#[test]
fn an_object_that_is_replaced_meanwhile_is_not_read_on() {
    for (ranges, checks_tag) in [(true, true), (true, false), (false, false)] {
        let server = Server::start(move |number, _| match number {
            0 => Answer { ranges, cut: 50_000, ..Answer::with(&shard()) },
            _ => Answer { ranges, checks_tag, tag: Some("\"other\""), ..Answer::with(&shard()) },
        });
        assert!(failure(&server, LONG).contains("replaced while it was read"));
    }
    // Without tags, the size must do.
    let server = Server::start(|number, _| match number {
        0 => Answer { tag: None, cut: 50_000, ..Answer::with(&shard()) },
        _ => Answer { tag: None, ..Answer::with(&shard()[1..]) },
    });
    assert!(failure(&server, LONG).contains("replaced"));
}

#[test]
fn what_is_missing_or_forbidden_is_told_at_once() {
    for (status, told) in [
        ("404 Not Found", "nothing there (404)"),
        ("403 Forbidden", "denies access (403)"),
        ("401 Unauthorized", "wants credentials (401)"),
        ("400 Bad Request", "a page about it"),
    ] {
        let server = Server::start(move |_, _| Answer::status(status));
        let message = refusal(&server, LONG);
        assert!(message.contains(told), "{message}");
        assert_eq!(server.requests().len(), 1);
    }
}

#[test]
fn a_server_that_is_not_there_is_told() {
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let url = format!("http://{nobody}/a.tar");
    let message = read_with(&opener(LONG, None), &url).unwrap_err().to_string();
    assert!(message.contains(&url) && message.contains("refused"), "{message}");
    assert!(message.contains("3 times"), "{message}");
}

#[test]
fn a_shard_that_is_dropped_early_is_not_waited_for() {
    let start = Instant::now();
    let stalling = || Answer { cut: 50_000, stalls: true, ..Answer::with(&shard()) };
    let server = Server::start(move |_, _| stalling());
    let opener = opener(2 * LONG, None);
    let location = Location::parse(&server.url("a.tar"));
    let mut samples = ShardReader::open(&location, &opener, 1 << 20).unwrap();
    assert!(samples.next().unwrap().is_ok());
    drop((samples, opener));
    assert!(start.elapsed() < LONG);
}

#[test]
fn a_thread_that_serves_another_runtime_may_read_shards() {
    let server = Server::start(|_, _| Answer::with(&shard()));
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async { assert_survives(&server, LONG) });
}
