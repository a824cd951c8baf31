//! A writer that is killed, and one whose disk is full, each in a process of its own.

use std::env;
use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rand::Rng;

use super::*;
use crate::{Location, RawSample, ShardOpener, ShardReader, sample_rng};

/// Names the folder that the child writes to.
const FOLDER: &str = "CLIP_DATA_WRITE_TO";

/// The samples of each shard that the child writes.
const PER_SHARD: u64 = 4;

/// More than is held back before it is written to the file.
const SAMPLE_BYTES: usize = 200_000;

/// Writes on and on where the variable says so, until it is killed or can't.
#[test]
#[ignore = "the other tests of this module run it in a process of its own"]
fn child_that_writes() {
    let Some(folder) = env::var_os(FOLDER) else { return };
    let append = ShardOptions { max_samples: PER_SHARD, append: true, ..ShardOptions::default() };
    let mut writer = ShardWriter::create(folder, append).unwrap();
    for number in writer.samples().. {
        let members = vec![
            ("jpg".to_owned(), vec![number as u8; SAMPLE_BYTES]),
            ("txt".to_owned(), format!("caption {number}").into_bytes()),
        ];
        let sample = RawSample { key: format!("{number:09}"), shard: "".into(), members };
        if let Err(error) = writer.write(&sample) {
            println!("the writer said: {error}");
            return;
        }
        // So that most of the time is spent in the middle of a shard, and most kills fall there.
        thread::sleep(Duration::from_millis(1));
    }
}

/// This test binary with only [`child_that_writes`], by way of a shell that first runs `before`.
fn child(folder: &Path, before: &str) -> Child {
    let test = format!("{}::child_that_writes", module_path!().split_once("::").unwrap().1);
    Command::new("sh")
        .arg("-c")
        .arg(format!("{before} exec \"$0\" \"$1\" --exact --ignored --nocapture"))
        .arg(env::current_exe().unwrap())
        .arg(test)
        .env(FOLDER, folder)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Checks that every shard that can be seen is whole, and counts them.
fn whole_shards(folder: &Path) -> usize {
    let mut number = 0;
    loop {
        let path = folder.join(format!("{number:06}.tar"));
        if !path.is_file() {
            return number;
        }
        let mut reader =
            ShardReader::open(&Location::File(path), &ShardOpener::default(), 1 << 20).unwrap();
        let keys: Vec<_> = reader.by_ref().map(|sample| sample.unwrap().key).collect();
        let first = number as u64 * PER_SHARD;
        let wanted: Vec<_> = (first..first + PER_SHARD).map(|key| format!("{key:09}")).collect();
        assert_eq!(keys, wanted);
        assert_eq!(reader.end_fault(), None);
        number += 1;
    }
}

fn wait_for_shards(folder: &Path, count: usize) {
    let start = Instant::now();
    while !folder.join(format!("{:06}.tar", count - 1)).is_file() {
        assert!(start.elapsed() < Duration::from_secs(120), "the child writes nothing");
        thread::sleep(Duration::from_millis(1));
    }
}

#[test]
fn killed_at_any_moment_only_complete_shards_are_seen_and_writing_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let mut random = sample_rng(1, 0, 0, crate::Stream::Augment);
    let mut shards = 0;
    for _ in 0..20 {
        let mut child = child(folder.path(), "");
        wait_for_shards(folder.path(), shards + 2);
        thread::sleep(Duration::from_micros(random.random_range(0..20_000)));
        child.kill().unwrap();
        child.wait().unwrap();
        let found = whole_shards(folder.path());
        assert!(found >= shards + 2);
        shards = found;
    }
    let append = ShardOptions { append: true, ..ShardOptions::default() };
    let index = ShardWriter::create(folder.path(), append).unwrap().finish().unwrap();
    assert_eq!(index.samples(), shards as u64 * PER_SHARD);
    let left = fs::read_dir(folder.path()).unwrap().count();
    assert_eq!(left, shards + 2, "shards and the two files of the index");
}

#[test]
fn a_file_that_may_not_grow_is_an_error_that_names_it() {
    let folder = tempfile::tempdir().unwrap();
    // As a full disk does it: the system refuses more bytes, in the middle of a shard.
    let child = child(folder.path(), "trap '' XFSZ; ulimit -f 20;");
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(said.contains("the writer said: cannot write") && said.contains("000000.tar.part"));
    assert!(said.contains("check that there is space"), "{said}");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "nothing is left of it");
}
