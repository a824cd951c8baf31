//! A shard of odd names and types against what Python's webdataset found in it, as
//! `tests/reference/make_shards.py golden` wrote it down.
#![allow(clippy::unwrap_used, reason = "helpers of tests, which a panic fails")]

use std::fs::File;
use std::io::Read;
use std::path::Path;

use clip_data::{DEFAULT_MAX_MEMBER_BYTES, Location, RawSample, ShardOpener, ShardReader};
use flate2::read::GzDecoder;
use serde::Deserialize;
use sha2::{Digest, Sha256};

const SHARD: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/shards/odd.tar.gz");
const LINES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/shards/odd.jsonl.gz");

/// A sample's key, and name and hash of each of its files, sorted.
#[derive(Debug, PartialEq, Deserialize)]
struct Line {
    key: String,
    fields: Vec<(String, String)>,
}

impl Line {
    fn of(sample: &RawSample) -> Self {
        let hash = |bytes: &Vec<u8>| -> String {
            Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
        };
        let field = |(name, bytes): &(String, Vec<u8>)| (name.clone(), hash(bytes));
        let mut fields: Vec<_> = sample.members.iter().map(field).collect();
        fields.sort();
        Self { key: sample.key.clone(), fields }
    }
}

fn unpacked(path: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    GzDecoder::new(File::open(path).unwrap()).read_to_end(&mut bytes).unwrap();
    bytes
}

/// What the reference found.
fn expected() -> Vec<Line> {
    let text = String::from_utf8(unpacked(LINES)).unwrap();
    text.lines().skip(1).map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn read(path: &Path) -> Vec<Line> {
    let location = Location::from(path.to_path_buf());
    let reader =
        ShardReader::open(&location, &ShardOpener::default(), DEFAULT_MAX_MEMBER_BYTES).unwrap();
    reader.map(|sample| Line::of(&sample.unwrap())).collect()
}

#[test]
fn keys_names_and_bytes_are_those_of_webdataset() {
    let expected = expected();
    assert!(expected.len() > 250);
    let found = read(Path::new(SHARD));
    for (ours, theirs) in found.iter().zip(&expected) {
        assert_eq!(ours, theirs);
    }
    assert_eq!(found.len(), expected.len());
}

#[test]
fn one_changed_byte_is_noticed() {
    let mut tar = unpacked(SHARD);
    let file = tar.windows(600).position(|window| {
        let period = window[..593].iter().zip(&window[7..]);
        window[0] != 0 && window[0] != window[1] && period.into_iter().all(|(a, b)| a == b)
    });
    tar[file.unwrap() + 300] ^= 1;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("odd.tar");
    std::fs::write(&path, tar).unwrap();
    let found = read(&path);
    let expected = expected();
    let unequal = found.iter().zip(&expected).filter(|(ours, theirs)| ours != theirs);
    assert_eq!((unequal.count(), found.len()), (1, expected.len()));
}
