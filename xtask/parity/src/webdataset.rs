//! Shards of odd names and types through Python's webdataset, sample for sample and byte for byte.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::path::Path;

use anyhow::{Context, Result, ensure};
use clip_data::{DEFAULT_MAX_MEMBER_BYTES, RawSample, ShardOpener, ShardReader};
use serde::Deserialize;
use sha2::{Digest, Sha256};

use crate::python::Python;
use crate::row::{Limit, Row};

/// What `--only` calls it.
pub const NAME: &str = "webdataset";

const SCRIPT: &str = "tests/reference/make_shards.py";
/// Samples in all must be as many.
const MIN_SAMPLES: usize = 20_000;
/// Differences of a shard that are shown.
const SHOWN: usize = 3;
/// The shard that is corrupted.
const CORRUPTED: &str = "python-gnu.tar";

/// A sample as either side found it.
#[derive(Clone, Debug, PartialEq, Deserialize)]
struct Sample {
    key: String,
    /// Name and hash of each file, sorted.
    fields: Vec<(String, String)>,
}

/// A line of the reference's.
#[derive(Deserialize)]
struct Line {
    shard: String,
    #[serde(flatten)]
    sample: Sample,
}

/// Compares at least 20,000 samples, a row a shard, and fails unless one changed byte is noticed.
pub fn compare(program: &Path, scratch: &Path, add: &mut impl FnMut(Row)) -> Result<()> {
    let python = Python::new(program, SCRIPT)?;
    let folder = scratch.join(NAME);
    let lines = scratch.join("webdataset.jsonl");
    python.run(SCRIPT, ["write".as_ref(), folder.as_os_str()])?;
    python.run(SCRIPT, ["read".as_ref(), folder.as_os_str(), lines.as_os_str()])?;
    let theirs = read_lines(&lines)?;
    let total: usize = theirs.values().map(Vec::len).sum();
    ensure!(total >= MIN_SAMPLES, "the reference found {total} samples, not {MIN_SAMPLES}");
    for (shard, expected) in &theirs {
        let found = read_shard(&folder.join(shard))?;
        let different = different(shard, &found, expected);
        let share = different as f64 / expected.len() as f64;
        let name = format!("webdataset, {shard} ({})", expected.len());
        let exact = Limit { abs: 0.0, rel: 0.0 };
        add(Row::new(name, python.package(NAME), (different as f64, share), exact));
    }
    let expected = theirs.get(CORRUPTED).context("the reference found nothing in a shard")?;
    require_sensitivity(&folder.join(CORRUPTED), expected)?;
    Ok(fs::remove_dir_all(folder)?)
}

/// Fails unless the comparison notices one byte that is changed in one file, and nothing else.
fn require_sensitivity(shard: &Path, expected: &[Sample]) -> Result<()> {
    let mut bytes = fs::read(shard)?;
    let found = read_shard(shard)?;
    ensure!(found == expected, "{} must agree before it is corrupted", shard.display());
    let target = target(shard)?;
    let place = bytes.windows(target.len()).position(|window| window == target);
    bytes[place.context("no file of the shard is in it")? + target.len() / 2] ^= 1;
    fs::write(shard, bytes)?;
    let corrupted = read_shard(shard)?;
    let pairs = corrupted.iter().zip(expected);
    let unequal = pairs.filter(|(ours, theirs)| ours != theirs).count();
    ensure!(
        corrupted.len() == expected.len() && unequal == 1,
        "one changed byte must change one of {} samples, but {unequal} differ",
        expected.len()
    );
    Ok(())
}

/// The bytes of some file of the shard, long enough to be there only once.
fn target(shard: &Path) -> Result<Vec<u8>> {
    let samples = ShardReader::open(
        &shard.to_path_buf().into(),
        &ShardOpener::default(),
        DEFAULT_MAX_MEMBER_BYTES,
    )?;
    let mut files = samples.flatten().flat_map(|sample| sample.members);
    let file = files.find(|(_, bytes)| bytes.len() > 500);
    file.map(|(_, bytes)| bytes).context("no file of the shard is long enough")
}

fn read_lines(path: &Path) -> Result<BTreeMap<String, Vec<Sample>>> {
    let mut samples: BTreeMap<String, Vec<Sample>> = BTreeMap::new();
    for line in BufReader::new(File::open(path)?).lines() {
        let Line { shard, sample } = serde_json::from_str(&line?)?;
        samples.entry(shard).or_default().push(sample);
    }
    Ok(samples)
}

fn read_shard(path: &Path) -> Result<Vec<Sample>> {
    let location = path.to_path_buf().into();
    let reader = ShardReader::open(&location, &ShardOpener::default(), DEFAULT_MAX_MEMBER_BYTES)?;
    let mut samples = Vec::new();
    for sample in reader {
        match sample {
            Ok(sample) => samples.push(Sample::of(&sample)),
            // A difference, which the comparison will show.
            Err(fault) => eprintln!("{fault}"),
        }
    }
    Ok(samples)
}

impl Sample {
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

/// Number of samples that aren't the same on both sides; the first few are shown.
fn different(shard: &str, ours: &[Sample], theirs: &[Sample]) -> usize {
    let pairs = (0..ours.len().max(theirs.len())).map(|index| (ours.get(index), theirs.get(index)));
    let unequal: Vec<_> = pairs.filter(|(ours, theirs)| ours != theirs).collect();
    for (ours, theirs) in unequal.iter().take(SHOWN) {
        eprintln!("{shard}:\n  ours   {ours:?}\n  theirs {theirs:?}");
    }
    unequal.len()
}
