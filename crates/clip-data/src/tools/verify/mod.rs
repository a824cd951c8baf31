//! Whether shards are whole and their samples usable.

use std::path::Path;

use super::indices::Indices;
use super::{FaultTally, ShardProgress};
use crate::decode::image_member;
use crate::write::digest;
use crate::{
    CaptionFields, Cause, DEFAULT_MAX_MEMBER_BYTES, DEFAULT_MAX_PIXELS, DataError, Fault,
    IndexedShard, Location, RawSample, SampleText, ShardOpener, ShardReader, decode_sample,
    expand_shards,
};

/// What is checked.
#[derive(Clone, Debug, PartialEq)]
pub struct VerifyOptions {
    /// Whether every image must decode, which takes by far the longest.
    pub decode: bool,
    /// The most pixels of an image.
    pub max_pixels: u64,
    /// The most bytes of a member.
    pub max_member_bytes: u64,
    /// Where captions are.
    pub captions: CaptionFields,
    /// How many faults are named in the report.
    pub named: usize,
}

impl Default for VerifyOptions {
    fn default() -> Self {
        Self {
            decode: false,
            max_pixels: DEFAULT_MAX_PIXELS,
            max_member_bytes: DEFAULT_MAX_MEMBER_BYTES,
            captions: CaptionFields::default(),
            named: 10,
        }
    }
}

/// What the check found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VerifyReport {
    /// Shards read.
    pub shards: u64,
    /// Those whose size and sum an index knows.
    pub indexed: u64,
    /// Samples read, unusable ones among them.
    pub samples: u64,
    /// All that is wrong.
    pub faults: FaultTally,
    /// The shards that are broken or not what the index says, which
    /// [`repair_shard`](crate::repair_shard) or another copy may help.
    pub broken: Vec<String>,
}

/// Checks that every shard (specs as in [`expand_shards`]) can be read to its end mark and is what the
/// `index.json` beside it says, where there is one, and that every sample has an image and a caption.
/// `watch` is told after each sample.
///
/// # Errors
///
/// When a spec stands for nothing, or an index can't be read. All else is a fault in the report.
pub fn verify_shards(
    specs: &[String],
    opener: &ShardOpener,
    options: &VerifyOptions,
    watch: &mut dyn FnMut(ShardProgress),
) -> Result<VerifyReport, DataError> {
    let shards = expand_shards(specs)?;
    let indices = Indices::read(&shards)?;
    let mut report =
        VerifyReport { faults: FaultTally::new(options.named), ..VerifyReport::default() };
    for location in &shards {
        let progress = ShardProgress { of: shards.len() as u64, shards: report.shards, samples: 0 };
        let mut check = Check { location, options, report: &mut report, intact: true };
        check.run(indices.shard(location), opener, &mut |samples| {
            watch(ShardProgress { samples, ..progress })
        });
        if !check.intact {
            report.broken.push(location.to_string());
        }
        report.shards += 1;
        watch(ShardProgress { shards: report.shards, samples: report.samples, ..progress });
    }
    indices.missing().for_each(|fault| report.faults.add(fault));
    Ok(report)
}

/// The check of one shard.
struct Check<'a> {
    location: &'a Location,
    options: &'a VerifyOptions,
    report: &'a mut VerifyReport,
    /// Whether the file is as it was written.
    intact: bool,
}

impl Check<'_> {
    /// Reads the shard, and compares it with what the index says, where it says something.
    fn run(
        &mut self,
        indexed: Option<&IndexedShard>,
        opener: &ShardOpener,
        watch: &mut dyn FnMut(u64),
    ) {
        if let (Some(indexed), Some(path)) = (indexed, self.location.file()) {
            self.report.indexed += 1;
            self.file(indexed, path);
        }
        let samples = self.samples(opener, watch);
        if let Some(indexed) = indexed.filter(|indexed| indexed.samples != samples) {
            self.differs(format!("it has {samples} samples, the index says {}", indexed.samples));
        }
    }

    fn file(&mut self, indexed: &IndexedShard, path: &Path) {
        match digest(path) {
            Ok((bytes, _)) if bytes != indexed.bytes => {
                self.differs(format!("it has {bytes} bytes, the index says {}", indexed.bytes));
            }
            Ok((_, sha256)) if sha256 != indexed.sha256 => {
                self.differs("its bytes are not those that were written".to_owned());
            }
            Ok(_) => {}
            Err(error) => self.broken(Cause::SourceFailed, error.to_string()),
        }
    }

    /// Reads all samples and counts those of this shard.
    fn samples(&mut self, opener: &ShardOpener, watch: &mut dyn FnMut(u64)) -> u64 {
        let reader = ShardReader::open(self.location, opener, self.options.max_member_bytes);
        let mut reader = match reader {
            Ok(reader) => reader,
            Err(error) => {
                self.broken(Cause::SourceFailed, error.to_string());
                return 0;
            }
        };
        let before = self.report.samples;
        for sample in reader.by_ref() {
            match sample.and_then(|sample| self.sample(&sample)) {
                Err(fault) if is_of_shard(&fault) => self.add(fault),
                checked => {
                    self.report.samples += 1;
                    if let Err(fault) = checked {
                        self.report.faults.add(fault);
                    }
                }
            }
            watch(self.report.samples);
        }
        if let Some(fault) = reader.end_fault() {
            self.add(fault);
        }
        self.report.samples - before
    }

    fn sample(&self, sample: &RawSample) -> Result<(), Fault> {
        SampleText::read(sample, &self.options.captions)?;
        if self.options.decode {
            decode_sample(sample, self.options.max_pixels)?;
        } else {
            image_member(sample)?;
        }
        Ok(())
    }

    fn differs(&mut self, reason: String) {
        self.broken(Cause::IndexDiffers, format!("{reason}: repair it or get it again"));
    }

    fn broken(&mut self, cause: Cause, reason: String) {
        self.add(Fault { cause, shard: self.location.to_string(), key: String::new(), reason });
    }

    fn add(&mut self, fault: Fault) {
        self.intact = false;
        self.report.faults.add(fault);
    }
}

/// Whether a fault is of the shard, not of one sample in it.
fn is_of_shard(fault: &Fault) -> bool {
    matches!(fault.cause, Cause::BrokenShard | Cause::SourceFailed)
}

#[cfg(test)]
mod tests;
