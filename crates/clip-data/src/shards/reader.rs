//! Tar shards to raw samples, as Python's webdataset groups them.

use std::mem;
use std::sync::Arc;

use super::entry::{Entry, EntryError, truncated};
use super::name::split_name;
use super::{Location, OpenShard, ShardOpener, expand_shards};
use crate::{Cause, DataError, Fault, RawSample};

/// Default limit of one member's size: 256 MiB.
pub const DEFAULT_MAX_MEMBER_BYTES: u64 = 256 << 20;

/// The samples of one shard in order.
///
/// Consecutive members with the same key are one sample; as in open_clip, a second member with the
/// same extension starts another. A sample with an oversized member is a fault in its place; so are
/// the members lost between a damaged header and the next sound one. A truncated, empty or foreign
/// file is a fault at the end, after every sample that was complete. A source that fails, as a
/// connection does, is [`Cause::SourceFailed`].
pub struct ShardReader {
    name: Arc<str>,
    source: OpenShard,
    max_member_bytes: u64,
    /// The sample being gathered.
    pending: Option<Pending>,
    /// What comes after the pending sample.
    broken: Option<Fault>,
    last_key: String,
    /// Name of the member being read.
    reading: Vec<u8>,
    members: u64,
    state: State,
}

/// A sample being gathered, and what is wrong with it.
struct Pending {
    /// The key as it is in the tar, where it needn't be UTF-8.
    key: Vec<u8>,
    sample: RawSample,
    fault: Option<Fault>,
}

#[derive(Clone, Copy, PartialEq)]
enum State {
    Reading,
    /// The next sound header has to be found.
    Damaged,
    Done,
}

impl ShardReader {
    /// Opens a shard; members above `max_member_bytes` are passed over unread.
    ///
    /// # Errors
    ///
    /// As [`ShardOpener::open`].
    pub fn open(
        location: &Location,
        opener: &ShardOpener,
        max_member_bytes: u64,
    ) -> Result<Self, DataError> {
        Ok(Self {
            name: location.to_string().into(),
            source: opener.open(location)?,
            max_member_bytes,
            pending: None,
            broken: None,
            last_key: String::new(),
            reading: Vec::new(),
            members: 0,
            state: State::Reading,
        })
    }

    /// Reads one member; returns the sample it completes by starting another.
    fn advance(&mut self) -> Option<Result<RawSample, Fault>> {
        match self.read_member() {
            Ok(Some(member)) => return self.add(member),
            Ok(None) => self.end(),
            Err(EntryError::Foreign) if self.members == 0 => {
                self.break_off(Cause::BrokenShard, "it is no tar: fetch or write the shard again");
            }
            Err(EntryError::Foreign) => return self.resume_later("a header is overwritten"),
            Err(EntryError::Damaged(reason)) => return self.resume_later(reason),
            Err(EntryError::Io(error)) => {
                let cut = split_name(&self.reading).map(|(key, _)| key);
                self.pending.take_if(|pending| Some(pending.key.as_slice()) == cut);
                match self.source.failure().map(str::to_owned) {
                    Some(failure) => self.break_off(Cause::SourceFailed, &failure),
                    None => {
                        let reason = format!("{error}: fetch or write the shard again");
                        self.break_off(Cause::BrokenShard, &reason);
                    }
                }
            }
        }
        None
    }

    /// Notes the damage after the pending sample, which is returned.
    fn resume_later(&mut self, reason: &str) -> Option<Result<RawSample, Fault>> {
        self.state = State::Damaged;
        let reason = format!(
            "members are missing after this sample: {reason}: fetch or write the shard again"
        );
        self.broken = Some(self.fault(Cause::BrokenShard, reason));
        self.take_pending()
    }

    fn end(&mut self) {
        self.state = State::Done;
        if self.members == 0 {
            let reason = "the archive is empty: write the shard again or remove it";
            self.break_off(Cause::BrokenShard, reason);
        }
    }

    fn break_off(&mut self, cause: Cause, reason: &str) {
        self.state = State::Done;
        let reason = format!("the shard ends after this sample: {reason}");
        self.broken = Some(self.fault(cause, reason));
    }

    fn fault(&self, cause: Cause, reason: String) -> Fault {
        Fault { cause, shard: self.name.to_string(), key: self.last_key.clone(), reason }
    }

    fn take_pending(&mut self) -> Option<Result<RawSample, Fault>> {
        let Pending { sample, fault, .. } = self.pending.take()?;
        Some(fault.map_or(Ok(sample), Err))
    }

    /// The next file, or `None` at the end mark.
    fn read_member(&mut self) -> Result<Option<Member>, EntryError> {
        let source = &mut self.source.bytes;
        loop {
            let damaged = mem::replace(&mut self.state, State::Reading) == State::Damaged;
            let entry = if damaged {
                Entry::resume(source)?
            } else if source.fill_buf()?.is_empty() {
                // A tar ends with blocks of zeros, so the file was cut between two members.
                return if self.members == 0 { Ok(None) } else { Err(truncated().into()) };
            } else {
                Entry::next(source)?
            };
            let Some(entry) = entry else { return Ok(None) };
            self.reading.clone_from(&entry.name);
            if !entry.is_file {
                entry.skip(source)?;
                continue;
            }
            let bytes = if entry.is_within(self.max_member_bytes) {
                Some(entry.read(source)?)
            } else {
                entry.skip(source)?;
                None
            };
            self.members += 1;
            return Ok(Some(Member { name: entry.name, size: entry.size, bytes }));
        }
    }

    fn add(&mut self, member: Member) -> Option<Result<RawSample, Fault>> {
        let (key, extension) = split_name(&member.name)?;
        let extension = String::from_utf8_lossy(extension).to_lowercase();
        let starts =
            |pending: &Pending| pending.key != key || pending.sample.member(&extension).is_some();
        let finished =
            if self.pending.as_ref().is_some_and(starts) { self.take_pending() } else { None };
        let Pending { sample, fault, .. } = self.pending.get_or_insert_with(|| {
            let readable = String::from_utf8_lossy(key).into_owned();
            self.last_key.clone_from(&readable);
            let sample = RawSample { key: readable, shard: self.name.clone(), members: vec![] };
            Pending { key: key.to_vec(), sample, fault: None }
        });
        match member.bytes {
            Some(bytes) => sample.members.push((extension, bytes)),
            None => {
                let (size, limit) = (member.size, self.max_member_bytes);
                let reason = format!("`{extension}` holds {size} bytes, the limit is {limit}");
                *fault = Some(sample.fault(Cause::MemberTooLarge, reason));
            }
        }
        finished
    }
}

impl Iterator for ShardReader {
    type Item = Result<RawSample, Fault>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(fault) = self.broken.take_if(|_| self.pending.is_none()) {
                return Some(Err(fault));
            }
            if self.state == State::Done {
                return self.take_pending();
            }
            if let Some(finished) = self.advance() {
                return Some(finished);
            }
        }
    }
}

/// How many samples the shards hold, usable or not, without decoding any.
///
/// # Errors
///
/// When a shard can't be found or opened. What a truncated shard lost isn't counted.
pub fn count_samples(shards: &[String]) -> Result<usize, DataError> {
    let mut count = 0;
    let opener = ShardOpener::default();
    for shard in expand_shards(shards)? {
        // With a limit of no bytes, members are skipped rather than kept.
        let samples = ShardReader::open(&shard, &opener, 0)?;
        count += samples
            .filter(|sample| !matches!(sample, Err(fault) if fault.cause == Cause::BrokenShard))
            .count();
    }
    Ok(count)
}

/// A file of a tar; `bytes` is `None` when it is above the limit.
struct Member {
    name: Vec<u8>,
    size: u64,
    bytes: Option<Vec<u8>>,
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
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
        assert!(fault.to_string().contains("1001 bytes, the limit is 1000"));
        assert_eq!(keys(&samples), ["1"]);
    }

    #[test]
    fn counting_needs_no_member_in_memory() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("0.tar");
        fs::write(&path, tar_bytes(&[("0.png", &[0; 5000]), ("0.txt", b"a"), ("1.txt", b"")]))
            .unwrap();
        assert_eq!(count_samples(&[path.to_string_lossy().into_owned()]).unwrap(), 2);
    }
}
