use std::fs;
use std::path::Path;

use super::index::{INDEX, SIZES};
use super::*;
use crate::{DataError, Location, RawSample, ShardOpener, ShardReader};

/// A sample whose bytes no other `number` has.
fn sample(number: usize) -> RawSample {
    let members = vec![
        ("png".to_owned(), vec![number as u8; 100 + number % 7 * 300]),
        ("seg.png".to_owned(), Vec::new()),
        ("txt".to_owned(), format!("caption {number}").into_bytes()),
    ];
    RawSample { key: format!("d.x/{number:03}"), shard: "".into(), members }
}

fn write(folder: &Path, options: ShardOptions, numbers: std::ops::Range<usize>) -> ShardIndex {
    let mut writer = ShardWriter::create(folder, options).unwrap();
    for number in numbers {
        writer.write(&sample(number)).unwrap();
    }
    writer.finish().unwrap()
}

fn read(folder: &Path, file: &str) -> Vec<RawSample> {
    let location = Location::File(folder.join(file));
    let mut reader = ShardReader::open(&location, &ShardOpener::default(), 1 << 20).unwrap();
    let samples = reader.by_ref().map(Result::unwrap).collect();
    assert_eq!(reader.end_fault(), None);
    samples
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<_> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn options(max_samples: u64) -> ShardOptions {
    ShardOptions { max_samples, ..ShardOptions::default() }
}

#[test]
fn samples_are_read_back_as_they_were_written() {
    for compression in [ShardCompression::None, ShardCompression::Gzip] {
        let folder = tempfile::tempdir().unwrap();
        let index = write(folder.path(), ShardOptions { compression, ..options(3) }, 0..8);
        let mut number = 0;
        for shard in &index.shards {
            for read in read(folder.path(), &shard.file) {
                let wanted = sample(number);
                assert_eq!((&read.key, &read.members), (&wanted.key, &wanted.members));
                number += 1;
            }
        }
        assert_eq!(number, 8);
        let sizes: Vec<_> = index.shards.iter().map(|shard| shard.samples).collect();
        assert_eq!(sizes, [3, 3, 2]);
    }
}

#[test]
fn long_and_foreign_names_are_read_back() {
    let folder = tempfile::tempdir().unwrap();
    let mut writer = ShardWriter::create(folder.path(), ShardOptions::default()).unwrap();
    let keys = ["n".repeat(99), format!("{}/b", "目".repeat(300)), "a b\\c".to_owned()];
    for key in &keys {
        writer.write(&RawSample { key: key.clone(), ..sample(0) }).unwrap();
    }
    writer.finish().unwrap();
    let found: Vec<_> =
        read(folder.path(), "000000.tar").into_iter().map(|sample| sample.key).collect();
    assert_eq!(found, keys);
}

#[test]
fn no_shard_is_larger_than_its_limit_unless_one_sample_is() {
    let folder = tempfile::tempdir().unwrap();
    let mut writer =
        ShardWriter::create(folder.path(), ShardOptions { max_bytes: 12_000, ..options(100) })
            .unwrap();
    for number in 0..30 {
        writer.write(&sample(number)).unwrap();
    }
    let members = vec![("png".to_owned(), vec![0; 20_000])];
    writer.write(&RawSample { key: "large".into(), members, ..sample(0) }).unwrap();
    writer.write(&sample(31)).unwrap();
    let index = writer.finish().unwrap();
    for shard in &index.shards {
        let bytes = fs::metadata(folder.path().join(&shard.file)).unwrap().len();
        assert_eq!(bytes, shard.bytes);
        assert!(bytes <= 12_000 || shard.samples == 1, "{shard:?}");
    }
    assert!(index.shards.len() < 15, "shards are filled: {}", index.shards.len());
    assert_eq!(index.samples(), 32);
}

#[test]
fn the_same_samples_make_the_same_bytes() {
    for compression in [ShardCompression::None, ShardCompression::Gzip] {
        let folders = [(); 2].map(|()| tempfile::tempdir().unwrap());
        for folder in &folders {
            write(folder.path(), ShardOptions { compression, ..options(4) }, 0..9);
        }
        let [first, second] = folders;
        assert_eq!(names(first.path()), names(second.path()));
        for name in names(first.path()) {
            let bytes = |folder: &Path| fs::read(folder.join(&name)).unwrap();
            assert_eq!(bytes(first.path()), bytes(second.path()), "{name}");
        }
    }
}

#[test]
fn a_refused_sample_leaves_no_trace() {
    let folder = tempfile::tempdir().unwrap();
    let mut writer = ShardWriter::create(folder.path(), ShardOptions::default()).unwrap();
    writer.write(&sample(0)).unwrap();
    for key in ["a.b", "d.x/000"] {
        let refused = writer.write(&RawSample { key: key.into(), ..sample(1) });
        assert!(matches!(refused, Err(DataError::Refused(_))), "{key}");
    }
    writer.write(&sample(1)).unwrap();
    assert_eq!(writer.samples(), 2);
    writer.finish().unwrap();
    assert_eq!(read(folder.path(), "000000.tar").len(), 2);
}

#[test]
fn the_index_says_what_the_files_are() {
    let folder = tempfile::tempdir().unwrap();
    let index = write(folder.path(), options(2), 0..3);
    assert_eq!(ShardIndex::read(folder.path()).unwrap().unwrap(), index);
    assert_eq!(names(folder.path()), ["000000.tar", "000001.tar", INDEX, SIZES]);
    for shard in &index.shards {
        let path = folder.path().join(&shard.file);
        assert_eq!(digest(&path).unwrap(), (shard.bytes, shard.sha256.clone()));
        assert_eq!(read(folder.path(), &shard.file).len() as u64, shard.samples);
    }
    let sizes = fs::read_to_string(folder.path().join(SIZES)).unwrap();
    assert_eq!(sizes, "{\n  \"000000.tar\": 2,\n  \"000001.tar\": 1\n}\n");
}

#[test]
fn a_folder_with_shards_is_gone_on_with_only_when_asked() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), options(2), 0..3);
    let message = ShardWriter::create(folder.path(), options(2)).err().unwrap().to_string();
    assert!(message.contains("already holds 000000.tar: choose another folder"), "{message}");

    // As after a crash: a shard that the index doesn't know, and half of another.
    fs::remove_file(folder.path().join(INDEX)).unwrap();
    fs::write(folder.path().join("000002.tar.part"), "half").unwrap();
    let append = ShardOptions { append: true, ..options(2) };
    let mut writer = ShardWriter::create(folder.path(), append).unwrap();
    assert_eq!(names(folder.path()), ["000000.tar", "000001.tar", SIZES]);
    assert_eq!(writer.samples(), 3);
    writer.write(&sample(3)).unwrap();
    let index = writer.finish().unwrap();
    let files: Vec<_> = index.shards.iter().map(|shard| shard.file.as_str()).collect();
    assert_eq!(files, ["000000.tar", "000001.tar", "000002.tar"]);
    assert_eq!(index.samples(), 4);
}

#[test]
fn shards_of_several_prefixes_share_a_folder_and_its_index() {
    let folder = tempfile::tempdir().unwrap();
    for prefix in ["train-", "test-"] {
        write(folder.path(), ShardOptions { prefix: prefix.into(), ..options(9) }, 0..3);
    }
    let index = ShardIndex::read(folder.path()).unwrap().unwrap();
    let files: Vec<_> = index.shards.iter().map(|shard| shard.file.as_str()).collect();
    assert_eq!(files, ["test-000000.tar", "train-000000.tar"]);
    let bad = ShardOptions { prefix: "a/b".into(), ..options(9) };
    assert!(ShardWriter::create(folder.path(), bad).is_err());
}

#[test]
fn appending_to_a_broken_shard_names_it() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("000000.tar"), "no tar").unwrap();
    let append = ShardOptions { append: true, ..options(2) };
    let message = ShardWriter::create(folder.path(), append).err().unwrap().to_string();
    assert!(message.contains("000000.tar") && message.contains("repair"), "{message}");
}

#[test]
fn an_abandoned_writer_leaves_complete_shards_only() {
    let folder = tempfile::tempdir().unwrap();
    let mut writer = ShardWriter::create(folder.path(), options(2)).unwrap();
    for number in 0..3 {
        writer.write(&sample(number)).unwrap();
    }
    assert_eq!(names(folder.path()), ["000000.tar", "000001.tar.part"]);
    drop(writer);
    assert_eq!(names(folder.path()), ["000000.tar"]);
}

#[test]
fn a_failed_write_names_the_file_and_ends_the_writer() {
    let folder = tempfile::tempdir().unwrap();
    let mut writer = ShardWriter::create(folder.path(), options(2)).unwrap();
    // The next shard can't be begun where a folder has its name.
    fs::create_dir(folder.path().join("000001.tar.part")).unwrap();
    for number in 0..2 {
        writer.write(&sample(number)).unwrap();
    }
    for number in 2..4 {
        let message = writer.write(&sample(number)).unwrap_err().to_string();
        assert!(message.contains("000001.tar") && message.contains("space"), "{message}");
    }
    assert!(writer.finish().is_err());
    assert_eq!(read(folder.path(), "000000.tar").len(), 2);
}
