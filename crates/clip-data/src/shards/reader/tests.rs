use std::fs;
use std::io::Write;

use flate2::{Compression, write::GzEncoder};

use super::*;
use crate::testing::tar_bytes;

fn read(bytes: &[u8]) -> Vec<Result<RawSample, Fault>> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("shard.tar");
    fs::write(&path, bytes).unwrap();
    ShardReader::open(&path.into(), &ShardOpener::default(), 1_000).unwrap().collect()
}

fn keys(samples: &[Result<RawSample, Fault>]) -> Vec<&str> {
    samples.iter().flatten().map(|sample| sample.key.as_str()).collect()
}

#[test]
fn consecutive_members_with_one_key_are_a_sample() {
    let long = "n".repeat(150);
    let long_png = format!("{long}/a.png");
    let bytes = tar_bytes(&[
        ("d.x/0.PNG", b"image"),
        ("d.x/0.seg.png", b"mask"),
        ("e/0.txt", b"other folder"),
        ("README", b"no extension"),
        (&long_png, b"long name"),
    ]);
    let samples = read(&bytes);
    assert_eq!(keys(&samples), ["d.x/0", "e/0", long_png.trim_end_matches(".png")]);
    let first = samples[0].as_ref().unwrap();
    assert_eq!(first.member("png"), Some(b"image".as_slice()));
    assert_eq!(first.member("seg.png"), Some(b"mask".as_slice()));
}

#[test]
fn a_gzipped_shard_reads_the_same_whatever_its_name() {
    let bytes = tar_bytes(&[("0.txt", b"a"), ("1.txt", b"b")]);
    let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
    gzip.write_all(&bytes).unwrap();
    assert_eq!(keys(&read(&gzip.finish().unwrap())), ["0", "1"]);
}

#[test]
fn a_shard_cut_anywhere_yields_its_complete_samples_and_one_fault() {
    let members: [(&str, &[u8]); 3] = [("0.txt", b"a"), ("1.png", b"b"), ("1.txt", b"c")];
    let whole = tar_bytes(&members);
    for length in (1..whole.len() - 1024).step_by(51) {
        let samples = read(&whole[..length]);
        let fault = samples.last().unwrap().as_ref().unwrap_err();
        assert_eq!(fault.cause, Cause::BrokenShard, "cut at {length}");
        let message = fault.to_string();
        assert!(message.contains("shard.tar") && message.contains("again"), "{message}");
        assert!(samples[..samples.len() - 1].iter().all(Result::is_ok), "cut at {length}");
    }
    let fault = read(&whole[..600])[0].clone().unwrap_err();
    assert_eq!(fault.key, "");
    let samples = read(&whole[..whole.len() - 1024 - 512]);
    assert_eq!(keys(&samples), ["0"], "the cut sample is not passed on");
}

#[test]
fn an_empty_archive_and_a_foreign_file_are_faults() {
    for bytes in [tar_bytes(&[]), Vec::new(), vec![7; 2000]] {
        let samples = read(&bytes);
        let fault = samples[0].as_ref().unwrap_err();
        assert_eq!((samples.len(), fault.cause), (1, Cause::BrokenShard));
    }
}

#[test]
fn an_oversized_member_spoils_only_its_sample() {
    let samples = read(&tar_bytes(&[("0.png", &[0; 1001]), ("0.txt", b"a"), ("1.txt", b"b")]));
    let fault = samples[0].as_ref().unwrap_err();
    assert_eq!(fault.cause, Cause::MemberTooLarge);
    assert!(fault.to_string().contains("with the 1001 bytes of `png`"), "{fault}");
    assert_eq!(keys(&samples), ["1"]);
}

#[test]
fn a_sample_s_members_have_a_limit_together() {
    let part = [0; 700];
    let samples = read(&tar_bytes(&[("0.a", &part), ("0.b", &part), ("1.txt", b"b")]));
    assert!(samples[0].is_ok(), "the limit leaves room for headers");
    let many: Vec<_> = (0..3_000).map(|number| (format!("0.{number}"), b"".as_slice())).collect();
    let mut members: Vec<_> = many.iter().map(|(name, bytes)| (name.as_str(), *bytes)).collect();
    members.push(("1.txt", b"b"));
    let samples = read(&tar_bytes(&members));
    assert_eq!(samples[0].as_ref().unwrap_err().cause, Cause::MemberTooLarge);
    assert_eq!(keys(&samples), ["1"]);
}

#[test]
fn a_name_of_two_megabytes_costs_its_member() {
    let name = format!("{}.txt", "n".repeat(2 << 20));
    let samples = read(&tar_bytes(&[("0.txt", b"a"), (&name, b"b"), ("1.txt", b"c")]));
    assert_eq!(keys(&samples), ["0", "1"]);
    let message = samples[1].as_ref().unwrap_err().to_string();
    assert!(message.contains("name or attributes are absurdly long"), "{message}");
}

#[test]
fn reading_goes_on_at_any_offset() {
    let long = format!("{}.txt", "n".repeat(150));
    let bytes = tar_bytes(&[
        ("0.txt", b"a"),
        ("0.png", &[7; 600]),
        (&long, b"b"),
        ("no extension", b""),
        ("1.txt", &[0; 3_000]),
        ("2.txt", b"c"),
        ("2.png", b"d"),
    ]);
    let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
    gzip.write_all(&bytes).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("shard.tar");
    let mut damaged = bytes.clone();
    let third = bytes.windows(5).position(|window| window == b"1.txt").unwrap();
    damaged[third] = 0;
    let cut = bytes[..bytes.len() - 1536].to_vec();
    let cut_too = damaged[..bytes.len() - 1536].to_vec();
    for contents in [bytes, gzip.finish().unwrap(), cut, damaged, cut_too] {
        fs::write(&path, contents).unwrap();
        let open = |offset| {
            ShardReader::open_at(&path.clone().into(), &ShardOpener::default(), 1_000, offset)
                .unwrap()
        };
        let mut whole = open(0);
        let mut items = Vec::new();
        while let Some(item) = whole.next() {
            items.push((whole.offset(), item));
        }
        assert!(items.len() >= 4);
        for (position, (offset, _)) in items.iter().enumerate() {
            let same = |(ours, (_, theirs)): (Result<_, Fault>, &(u64, Result<_, Fault>))| match (
                ours, theirs,
            ) {
                (Ok(ours), Ok(theirs)) => ours == *theirs,
                (Err(ours), Err(theirs)) => ours.cause == theirs.cause,
                _ => false,
            };
            let rest: Vec<_> = open(*offset).collect();
            assert_eq!(rest.len(), items.len() - position);
            assert!(rest.into_iter().zip(&items[position..]).all(same), "from {offset}");
        }
    }
}
