use std::fs;
use std::io::Write;

use flate2::write::GzEncoder;

use super::*;
use crate::testing::tar_bytes;
use crate::verify_shards;

/// Six samples of an image and a caption, three of them in `./d.x/`, as other tools may name them, each
/// of four blocks: at 2,048 times its number.
fn whole() -> Vec<u8> {
    let names: Vec<_> = (0..6)
        .flat_map(|number| {
            let folder = if number < 3 { "" } else { "./d.x/" };
            ["png", "txt"].map(|extension| format!("{folder}{number}.{extension}"))
        })
        .collect();
    let members: Vec<_> = names.iter().map(|name| (name.as_str(), name.as_bytes())).collect();
    let mut bytes = Vec::new();
    for (name, content) in members {
        // One at a time, for the tar crate's own tidying of names is in the way.
        let mut one = tar_bytes(&[("x", content)]);
        one[..name.len()].copy_from_slice(name.as_bytes());
        let mut header = tar::Header::from_byte_slice(&one[..512]).clone();
        header.set_cksum();
        one[..512].copy_from_slice(header.as_bytes());
        bytes.extend_from_slice(&one[..1024]);
    }
    bytes.resize(bytes.len() + 1024, 0);
    bytes
}

struct Folder(tempfile::TempDir);

impl Folder {
    fn with(bytes: &[u8]) -> Self {
        let folder = Self(tempfile::tempdir().unwrap());
        fs::write(folder.shard(), bytes).unwrap();
        folder
    }

    fn shard(&self) -> PathBuf {
        self.0.path().join("0.tar")
    }

    fn repair(&self) -> RepairReport {
        repair_shard(&self.shard(), RepairOptions::default()).unwrap()
    }

    fn keys(&self) -> Vec<String> {
        let location = Location::File(self.shard());
        let reader = ShardReader::open(&location, &ShardOpener::default(), 1_000).unwrap();
        reader.map(|sample| sample.unwrap().key).collect()
    }

    fn is_sound(&self) -> bool {
        let spec = [self.0.path().to_string_lossy().into_owned()];
        let report =
            verify_shards(&spec, &ShardOpener::default(), &Default::default(), &mut |_| ());
        report.unwrap().faults.total() == 0
    }
}

const KEYS: [&str; 6] = ["0", "1", "2", "./d.x/3", "./d.x/4", "./d.x/5"];

#[test]
fn a_whole_shard_stays_as_it_is() {
    let folder = Folder::with(&whole());
    let report = folder.repair();
    assert_eq!((report.outcome, report.kept, report.original), (RepairOutcome::Whole, 6, None));
    assert_eq!(fs::read(folder.shard()).unwrap(), whole());
}

#[test]
fn wherever_a_shard_is_cut_its_complete_samples_are_kept() {
    let whole = whole();
    for length in (1..whole.len()).step_by(100).chain([2048, 4096, 12_288, 12_800, 13_311]) {
        let folder = Folder::with(&whole[..length]);
        let report = folder.repair();
        // The padding of the last member isn't missed.
        let end = |sample: usize| 2048 * sample + 1536 + KEYS[sample].len() + ".txt".len();
        let complete = (0..6).filter(|sample| end(*sample) <= length).count();
        assert_eq!(report.kept, complete as u64, "cut at {length}");
        if complete == 0 {
            assert_eq!(report.outcome, RepairOutcome::NothingLeft);
            assert_eq!(fs::read(folder.shard()).unwrap(), whole[..length], "nothing was done");
            continue;
        }
        assert_eq!(report.outcome, RepairOutcome::Rewritten, "cut at {length}");
        assert_eq!(folder.keys(), KEYS[..complete]);
        assert!(folder.is_sound());
        assert_eq!(fs::read(report.original.unwrap()).unwrap(), whole[..length]);
    }
}

#[test]
fn samples_behind_a_damaged_header_are_kept() {
    let whole = whole();
    for block in 0..whole.len() / 512 - 2 {
        let mut bytes = whole.clone();
        bytes[block * 512 + 3] ^= 0x55;
        let folder = Folder::with(&bytes);
        let report = folder.repair();
        let is_header = block % 2 == 0;
        let lost = is_header.then_some(block / 4);
        let wanted: Vec<_> =
            (0..6).filter(|sample| Some(*sample) != lost).map(|sample| KEYS[sample]).collect();
        assert_eq!(folder.keys(), wanted, "block {block}");
        assert_eq!(report.faults.total() > 0, is_header, "block {block}");
        assert!(folder.is_sound());
    }
}

#[test]
fn joined_shards_become_one() {
    let folder = Folder::with(&[whole(), whole()].concat());
    let report = folder.repair();
    assert_eq!((report.outcome, report.kept), (RepairOutcome::Rewritten, 12));
    assert_eq!(folder.keys(), [KEYS, KEYS].concat());
}

#[test]
fn a_cut_gzip_is_written_as_gzip_again() {
    let mut gzip = GzEncoder::new(Vec::new(), flate2::Compression::none());
    gzip.write_all(&whole()).unwrap();
    let bytes = gzip.finish().unwrap();
    let folder = Folder::with(&bytes[..bytes.len() / 2]);
    assert_eq!(folder.repair().kept, 3);
    assert_eq!(folder.keys(), KEYS[..3]);
    assert!(fs::read(folder.shard()).unwrap().starts_with(&[0x1f, 0x8b]));
    // Only its check sum at the end is gone.
    let folder = Folder::with(&bytes[..bytes.len() - 4]);
    assert!(!folder.is_sound());
    assert_eq!(folder.repair().kept, 6);
    assert!(folder.is_sound());
}

#[test]
fn the_index_is_corrected_and_the_broken_shard_kept_only_when_asked() {
    let folder = Folder::with(&whole()[..5000]);
    let mut index = ShardIndex::default();
    let (file, sha256) = ("0.tar".to_owned(), String::new());
    index.insert(IndexedShard { file, samples: 6, bytes: 13_312, sha256 });
    index.write(folder.0.path()).unwrap();
    let options = RepairOptions { keep_original: false, ..RepairOptions::default() };
    assert_eq!(repair_shard(&folder.shard(), options).unwrap().original, None);
    assert_eq!(ShardIndex::read(folder.0.path()).unwrap().unwrap().samples(), 2);
    assert!(folder.is_sound());
    assert_eq!(fs::read_dir(folder.0.path()).unwrap().count(), 3);
}

#[test]
fn an_earlier_broken_shard_is_not_overwritten() {
    let folder = Folder::with(&whole()[..5000]);
    let kept = folder.0.path().join("0.tar.broken");
    fs::write(&kept, "earlier").unwrap();
    let error = repair_shard(&folder.shard(), RepairOptions::default()).unwrap_err().to_string();
    assert!(error.contains("0.tar.broken: it is kept from an earlier repair"), "{error}");
    assert_eq!(fs::read(kept).unwrap(), b"earlier");
    assert_eq!(fs::read_dir(folder.0.path()).unwrap().count(), 2);
}
