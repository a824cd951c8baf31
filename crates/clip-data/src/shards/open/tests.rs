//! Shards from commands and compressed files, read to samples.

use std::fs;
use std::io::Write;
use std::path::Path;

use flate2::{Compression, write::GzEncoder};
use ruzstd::encoding::{CompressionLevel, compress_to_vec};

use crate::testing::tar_bytes;
use crate::{Cause, DataError, Fault, Location, RawSample, ShardOpener, ShardReader};

fn read(location: &Location) -> Result<Vec<Result<RawSample, Fault>>, DataError> {
    Ok(ShardReader::open(location, &ShardOpener::default(), 1 << 20)?.collect())
}

fn read_bytes(folder: &Path, bytes: &[u8]) -> Vec<Result<RawSample, Fault>> {
    let path = folder.join("shard");
    fs::write(&path, bytes).unwrap();
    read(&path.into()).unwrap()
}

fn keys(samples: &[Result<RawSample, Fault>]) -> Vec<&str> {
    samples.iter().flatten().map(|sample| sample.key.as_str()).collect()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
    gzip.write_all(bytes).unwrap();
    gzip.finish().unwrap()
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    compress_to_vec(bytes, CompressionLevel::Fastest)
}

fn shard() -> Vec<u8> {
    tar_bytes(&[("0.txt", &[b'a'; 3000]), ("1.txt", b"b"), ("2.txt", b"c")])
}

#[test]
fn compressed_shards_in_several_parts_read_the_same_whatever_their_names() {
    let folder = tempfile::tempdir().unwrap();
    let (start, end) = (&shard()[..700], &shard()[700..]);
    for compress in [gzip, zstd] {
        let whole = compress(&shard());
        let parts = [compress(start), compress(end)].concat();
        for bytes in [whole, parts] {
            assert_eq!(keys(&read_bytes(folder.path(), &bytes)), ["0", "1", "2"]);
        }
    }
}

#[test]
fn a_damaged_compressed_file_is_a_broken_shard_of_a_good_source() {
    let folder = tempfile::tempdir().unwrap();
    for compress in [gzip, zstd] {
        let mut parts = [compress(&shard()[..2048]), compress(&shard()[2048..])];
        let cut = &parts.concat()[..parts[0].len() + 9];
        let cut = read_bytes(folder.path(), cut);
        parts[1].iter_mut().for_each(|byte| *byte ^= 0xff);
        for samples in [cut, read_bytes(folder.path(), &parts.concat())] {
            let fault = samples.last().unwrap().as_ref().unwrap_err();
            assert_eq!((samples.len(), fault.cause), (1, Cause::BrokenShard), "{fault}");
        }
    }
}

#[cfg(unix)]
mod commands {
    use super::*;

    fn run(command: &str, folder: &Path) -> Result<Vec<Result<RawSample, Fault>>, DataError> {
        fs::write(folder.join("a.tar"), shard()).unwrap();
        let place = folder.to_string_lossy();
        read(&Location::parse(&format!("pipe:cd '{place}' && {command}")))
    }

    #[test]
    fn a_command_gives_a_shard() {
        let folder = tempfile::tempdir().unwrap();
        for command in ["cat a.tar", "cat a.tar | gzip", "cat a.tar; cat a.tar"] {
            let samples = run(command, folder.path()).unwrap();
            assert!(samples.iter().all(Result::is_ok), "{samples:?}");
            assert_eq!(keys(&samples), ["0", "1", "2"]);
        }
    }

    #[test]
    fn a_command_that_fails_is_a_failed_source_even_behind_a_whole_shard() {
        let folder = tempfile::tempdir().unwrap();
        for command in [
            "cat a.tar; echo no more >&2; exit 3",
            "gzip < a.tar; echo no more >&2; exit 3",
            "head -c 4700 a.tar; echo no more >&2; exit 3",
        ] {
            let samples = run(command, folder.path()).unwrap();
            let fault = samples.last().unwrap().as_ref().unwrap_err();
            assert_eq!(fault.cause, Cause::SourceFailed);
            let message = fault.to_string();
            for part in [command, "exit status: 3", "no more"] {
                assert!(message.contains(part), "{message}");
            }
            assert_eq!(keys(&samples)[0], "0");
        }
    }

    #[test]
    fn a_command_that_gives_nothing_is_told_by_name() {
        let folder = tempfile::tempdir().unwrap();
        let message = run("no-such-command", folder.path()).unwrap_err().to_string();
        assert!(message.contains("pipe:cd") && message.contains("127"), "{message}");
        assert!(message.contains("not found"), "{message}");
    }
}

#[test]
fn a_file_that_is_not_there_is_told_by_name() {
    let message = read(&Location::parse("no/such.tar")).unwrap_err().to_string();
    assert!(message.contains("no/such.tar"), "{message}");
}

#[cfg(not(feature = "remote"))]
#[test]
fn an_address_names_the_feature_that_reads_it() {
    let message = read(&Location::parse("https://host/a.tar")).unwrap_err().to_string();
    assert!(message.contains("https://host/a.tar") && message.contains("`remote`"), "{message}");
}
