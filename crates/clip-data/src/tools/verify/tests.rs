use std::fs;
use std::path::PathBuf;

use super::*;
use crate::testing::{Sample, huge_png, tar_bytes};
use crate::{ShardOptions, ShardWriter};

/// A folder with two shards of three usable samples each, and their index.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let options = ShardOptions { max_samples: 3, ..ShardOptions::default() };
    let mut writer = ShardWriter::create(folder.path(), options).unwrap();
    for number in 0..6 {
        let sample = Sample::drawing(number, 6);
        let members =
            vec![("png".into(), sample.image), ("json".into(), sample.json.unwrap().into_bytes())];
        writer.write(&RawSample { key: sample.key, shard: "".into(), members }).unwrap();
    }
    writer.finish().unwrap();
    folder
}

fn verify(folder: &Path, decode: bool) -> VerifyReport {
    let spec = [folder.to_string_lossy().into_owned()];
    let options = VerifyOptions { decode, ..VerifyOptions::default() };
    verify_shards(&spec, &ShardOpener::default(), &options, &mut |_| ()).unwrap()
}

fn first_shard(folder: &Path) -> PathBuf {
    folder.join("000000.tar")
}

#[test]
fn whole_shards_are_without_fault() {
    let folder = folder();
    let spec = [folder.path().to_string_lossy().into_owned()];
    let (options, mut seen) = (VerifyOptions { decode: true, ..Default::default() }, vec![]);
    let report =
        verify_shards(&spec, &ShardOpener::default(), &options, &mut |now| seen.push(now)).unwrap();
    assert_eq!((report.shards, report.indexed, report.samples), (2, 2, 6));
    assert_eq!((report.faults.total(), report.broken.len()), (0, 0));
    assert_eq!(seen.last(), Some(&ShardProgress { shards: 2, of: 2, samples: 6 }));
    assert!(seen.is_sorted_by_key(|progress| progress.samples));
}

#[test]
fn a_shard_cut_anywhere_is_found_without_an_index() {
    let folder = folder();
    fs::remove_file(folder.path().join("index.json")).unwrap();
    let path = first_shard(folder.path());
    let whole = fs::read(&path).unwrap();
    let blocks = (0..whole.len()).step_by(512);
    for length in blocks.chain((1..whole.len()).step_by(333)).chain([whole.len() - 1]) {
        fs::write(&path, &whole[..length]).unwrap();
        let report = verify(folder.path(), false);
        assert!(report.faults.count(Cause::BrokenShard) > 0, "cut at {length}");
        assert_eq!(report.broken, [path.display().to_string()]);
    }
}

#[test]
fn every_flipped_byte_is_found_with_an_index() {
    let folder = folder();
    let path = first_shard(folder.path());
    let whole = fs::read(&path).unwrap();
    for place in (0..whole.len()).step_by(97) {
        let mut bytes = whole.clone();
        bytes[place] ^= 1;
        fs::write(&path, bytes).unwrap();
        let report = verify(folder.path(), false);
        assert!(report.faults.count(Cause::IndexDiffers) > 0, "flipped at {place}");
    }
}

#[test]
fn what_the_index_says_otherwise_is_found() {
    let folder = folder();
    let path = first_shard(folder.path());
    fs::write(&path, tar_bytes(&[("0.png", b"x"), ("0.txt", b"a cat")])).unwrap();
    let report = verify(folder.path(), false);
    assert_eq!(report.faults.count(Cause::IndexDiffers), 2, "bytes and samples: {}", report.faults);
    fs::remove_file(&path).unwrap();
    let report = verify(folder.path(), false);
    let fault = &report.faults.first()[0];
    assert_eq!((report.faults.total(), fault.cause), (1, Cause::IndexDiffers));
    assert!(fault.to_string().contains("000000.tar: the index names it"), "{fault}");
}

#[test]
fn unusable_samples_are_found_and_the_shard_is_not_broken() {
    let folder = tempfile::tempdir().unwrap();
    let huge = huge_png();
    let members: [(&str, &[u8]); 5] = [
        ("0.png", b"no image"),
        ("0.txt", b"a cat"),
        ("1.txt", b"a dog"),
        ("2.png", &huge),
        ("3.png", b"no image"),
    ];
    let mut bytes = tar_bytes(&members);
    fs::write(first_shard(folder.path()), &bytes).unwrap();
    let report = verify(folder.path(), false);
    let counts = [Cause::NoImage, Cause::NoCaption].map(|cause| report.faults.count(cause));
    assert_eq!((counts, report.samples, report.broken.len()), ([1, 2], 4, 0));
    assert_eq!(verify(folder.path(), true).faults.count(Cause::Undecodable), 1);
    // What stands behind the end mark is lost to readers.
    bytes.extend_from_slice(&tar_bytes(&[("4.txt", b"")]));
    fs::write(first_shard(folder.path()), &bytes).unwrap();
    assert_eq!(verify(folder.path(), false).faults.count(Cause::BrokenShard), 1);
}
