//! What shards hold, by number and size.

use std::collections::BTreeMap;
use std::fs;

use super::indices::Indices;
use super::{FaultTally, ShardProgress};
use crate::{
    DEFAULT_MAX_MEMBER_BYTES, DataError, IndexedShard, Location, ShardOpener, ShardReader,
    expand_shards,
};

/// How many extensions are told apart: names of a broken shard could be without end.
const MAX_EXTENSIONS: usize = 1000;

/// Stands for all extensions beyond those.
const OTHER: &str = "(other)";

/// How shards are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CountOptions {
    /// Whether to believe the `index.json` beside a shard where it knows the shard, which is then not
    /// read and its members not counted.
    pub use_index: bool,
    /// How many faults are named in the report.
    pub named: usize,
}

/// What shards hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CountReport {
    /// Each shard, in order.
    pub shards: Vec<ShardCount>,
    /// Members by extension, of the shards that were read.
    pub members: BTreeMap<String, MemberCount>,
    /// What couldn't be counted.
    pub faults: FaultTally,
}

/// What one shard holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShardCount {
    /// Where it is.
    pub shard: String,
    /// Its samples, without those that are broken.
    pub samples: u64,
    /// Size of the file in bytes; `None` where it is no file.
    pub bytes: Option<u64>,
    /// Whether this is what the index says.
    pub from_index: bool,
}

/// Members with one extension.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MemberCount {
    /// How many there are.
    pub members: u64,
    /// Their bytes.
    pub bytes: u64,
}

impl CountReport {
    /// Samples in all shards.
    pub fn samples(&self) -> u64 {
        self.shards.iter().map(|shard| shard.samples).sum()
    }

    /// Bytes of all shards that are files.
    pub fn bytes(&self) -> u64 {
        self.shards.iter().filter_map(|shard| shard.bytes).sum()
    }

    fn count_members(&mut self, members: &[(String, Vec<u8>)]) {
        for (extension, bytes) in members {
            let known = self.members.len() < MAX_EXTENSIONS || self.members.contains_key(extension);
            let extension = if known { extension } else { OTHER };
            let count = self.members.entry(extension.to_owned()).or_default();
            count.members += 1;
            count.bytes += bytes.len() as u64;
        }
    }
}

/// Counts the samples of shards (specs as in [`expand_shards`]) and their members by extension,
/// without decoding any. `watch` is told after each sample.
///
/// # Errors
///
/// When a shard can't be found or opened, or an index that is asked can't be read. What a broken
/// shard lost is a fault in the report.
pub fn count_shards(
    specs: &[String],
    opener: &ShardOpener,
    options: CountOptions,
    watch: &mut dyn FnMut(ShardProgress),
) -> Result<CountReport, DataError> {
    let shards = expand_shards(specs)?;
    let mut report =
        CountReport { faults: FaultTally::new(options.named), ..CountReport::default() };
    let mut progress = ShardProgress { of: shards.len() as u64, ..ShardProgress::default() };
    let indices = if options.use_index { Indices::read(&shards)? } else { Indices::default() };
    for location in &shards {
        let count = match indices.shard(location) {
            Some(indexed) => from_index(location, indexed),
            None => read(location, opener, &mut report, &mut |samples| {
                watch(ShardProgress { samples: progress.samples + samples, ..progress })
            })?,
        };
        progress.samples += count.samples;
        progress.shards += 1;
        watch(progress);
        report.shards.push(count);
    }
    Ok(report)
}

fn from_index(location: &Location, indexed: &IndexedShard) -> ShardCount {
    ShardCount {
        shard: location.to_string(),
        samples: indexed.samples,
        bytes: Some(indexed.bytes),
        from_index: true,
    }
}

fn read(
    location: &Location,
    opener: &ShardOpener,
    report: &mut CountReport,
    watch: &mut dyn FnMut(u64),
) -> Result<ShardCount, DataError> {
    let mut samples = 0;
    for sample in ShardReader::open(location, opener, DEFAULT_MAX_MEMBER_BYTES)? {
        match sample {
            Ok(sample) => {
                samples += 1;
                report.count_members(&sample.members);
            }
            Err(fault) => report.faults.add(fault),
        }
        watch(samples);
    }
    let bytes = location.file().and_then(|path| fs::metadata(path).ok()).map(|found| found.len());
    Ok(ShardCount { shard: location.to_string(), samples, bytes, from_index: false })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::tar_bytes;
    use crate::write::ShardFile;
    use crate::{ShardCompression, ShardIndex};

    #[test]
    fn samples_members_and_bytes_are_counted() {
        let folder = tempfile::tempdir().unwrap();
        let whole =
            tar_bytes(&[("0.png", &[0; 700]), ("0.txt", b"abc"), ("1.txt", b""), ("README", b"x")]);
        fs::write(folder.path().join("0.tar"), &whole).unwrap();
        fs::write(folder.path().join("1.tar"), &whole[..1600]).unwrap();
        let spec = [folder.path().to_string_lossy().into_owned()];
        let (mut seen, options) = (Vec::new(), CountOptions { use_index: true, named: 3 });
        let report =
            count_shards(&spec, &ShardOpener::default(), options, &mut |now| seen.push(now))
                .unwrap();
        let counts: Vec<_> =
            report.shards.iter().map(|shard| (shard.samples, shard.bytes.unwrap())).collect();
        assert_eq!(counts, [(2, whole.len() as u64), (0, 1600)]);
        assert_eq!(report.members["txt"], MemberCount { members: 2, bytes: 3 });
        assert_eq!(report.members["png"], MemberCount { members: 1, bytes: 700 });
        assert_eq!(report.members.len(), 2);
        assert_eq!(report.faults.total(), 1);
        assert_eq!(seen.last(), Some(&ShardProgress { shards: 2, of: 2, samples: 2 }));
    }

    #[test]
    fn the_index_is_believed_only_when_asked() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("0.tar");
        let mut file = ShardFile::create(path, ShardCompression::None).unwrap();
        file.add([(b"0.txt".as_slice(), b"a".as_slice())].into_iter()).unwrap();
        let mut index = ShardIndex::default();
        index.insert(crate::IndexedShard { samples: 77, ..file.seal().unwrap() });
        index.write(folder.path()).unwrap();
        let spec = [folder.path().to_string_lossy().into_owned()];
        for (use_index, samples) in [(true, 77), (false, 1)] {
            let options = CountOptions { use_index, named: 3 };
            let opener = ShardOpener::default();
            let report = count_shards(&spec, &opener, options, &mut |_| ()).unwrap();
            assert_eq!(report.samples(), samples);
            assert_eq!(report.shards[0].from_index, use_index);
        }
    }
}
