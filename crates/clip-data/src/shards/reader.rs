//! Tar shards to raw samples, as Python's webdataset groups them.

use std::io::{self, BufRead, Read};
use std::sync::Arc;

use tar::{Archive, Entry, EntryType};

use super::end_mark;
use super::name::split_name;
use super::{Location, OpenShard, ShardOpener, expand_shards};
use crate::{Cause, DataError, Fault, RawSample};

/// Default limit of one member's size: 256 MiB.
pub const DEFAULT_MAX_MEMBER_BYTES: u64 = 256 << 20;

/// Tar pads every member to a multiple of this.
const BLOCK: u64 = 512;

/// The samples of one shard in order.
///
/// Consecutive members with the same key are one sample; as in open_clip, a second member with the
/// same extension starts another. A sample with an oversized member is a fault in its place; a
/// truncated, empty or foreign file is a fault at the end, after every sample that was complete. A
/// source that fails, as a connection does, is [`Cause::SourceFailed`].
pub struct ShardReader {
    name: Arc<str>,
    source: OpenShard,
    max_member_bytes: u64,
    /// The sample being gathered, and what is wrong with it.
    pending: Option<(RawSample, Option<Fault>)>,
    /// What ended the shard early.
    broken: Option<Fault>,
    last_key: String,
    /// Name of the member being read.
    reading: String,
    members: u64,
    done: bool,
    /// Whether the members ended as they should.
    at_end_mark: bool,
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
            reading: String::new(),
            members: 0,
            done: false,
            at_end_mark: false,
        })
    }

    /// Once all samples are read: what is wrong behind them, where no fault has told of it.
    ///
    /// Nothing is lost with it, for readers stop at the first block of zeros; but the shard is not
    /// as it was written.
    pub(crate) fn end_fault(&mut self) -> Option<Fault> {
        if !self.at_end_mark {
            return None;
        }
        let problem = end_mark::problem(&mut self.source.bytes);
        let problem = problem.unwrap_or_else(|error| Some(error.to_string()))?;
        let cause = match self.source.failure() {
            Some(_) => Cause::SourceFailed,
            None => Cause::BrokenShard,
        };
        let (shard, key) = (self.name.to_string(), self.last_key.clone());
        Some(Fault { cause, shard, key, reason: format!("after this last sample: {problem}") })
    }

    /// Reads one member; returns the sample it completes by starting another.
    fn advance(&mut self) -> Option<Result<RawSample, Fault>> {
        match self.read_member() {
            Ok(Some(member)) => self.add(member),
            Ok(None) => {
                self.done = true;
                self.at_end_mark = self.members > 0;
                if self.members == 0 {
                    let reason = "the archive is empty: write the shard again or remove it";
                    self.break_off(Cause::BrokenShard, reason);
                }
                None
            }
            Err(error) => {
                self.done = true;
                let cut = split_name(&self.reading).map(|(key, _)| key);
                self.pending.take_if(|(sample, _)| Some(&sample.key) == cut.as_ref());
                match self.source.failure().map(str::to_owned) {
                    Some(failure) => self.break_off(Cause::SourceFailed, &failure),
                    None => {
                        let reason = format!("{error}: fetch or write the shard again");
                        self.break_off(Cause::BrokenShard, &reason);
                    }
                }
                None
            }
        }
    }

    fn break_off(&mut self, cause: Cause, reason: &str) {
        self.broken = Some(Fault {
            cause,
            shard: self.name.to_string(),
            key: self.last_key.clone(),
            reason: format!("the shard ends after this sample: {reason}"),
        });
    }

    /// The next file, or `None` at the end mark.
    fn read_member(&mut self) -> io::Result<Option<Member>> {
        loop {
            if self.source.bytes.fill_buf()?.is_empty() {
                // A tar ends with blocks of zeros, so the file was cut between two members.
                return if self.members == 0 { Ok(None) } else { Err(truncated()) };
            }
            // A fresh archive per member: its iterator would borrow the reader from ourselves.
            let mut archive = Archive::new(&mut self.source.bytes);
            let Some(entry) = archive.entries()?.next() else {
                return Ok(None);
            };
            let entry = entry?;
            self.reading = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
            let member = read_entry(entry, self.reading.clone(), self.max_member_bytes)?;
            let padding = member.size.next_multiple_of(BLOCK) - member.size;
            skip(&mut self.source.bytes, padding)?;
            if member.is_file {
                self.members += 1;
                return Ok(Some(member));
            }
        }
    }

    fn add(&mut self, member: Member) -> Option<Result<RawSample, Fault>> {
        let (key, extension) = split_name(&member.name)?;
        let starts = |sample: &RawSample| sample.key != key || sample.member(&extension).is_some();
        let finished = self.pending.take_if(|(sample, _)| starts(sample)).map(finish);
        let (sample, fault) = self.pending.get_or_insert_with(|| {
            let sample = RawSample { key: key.clone(), shard: self.name.clone(), members: vec![] };
            (sample, None)
        });
        match member.bytes {
            Some(bytes) => sample.members.push((extension, bytes)),
            None => {
                let (size, limit) = (member.size, self.max_member_bytes);
                let reason = format!("`{extension}` holds {size} bytes, the limit is {limit}");
                *fault = Some(sample.fault(Cause::MemberTooLarge, reason));
            }
        }
        self.last_key = key;
        finished
    }
}

impl Iterator for ShardReader {
    type Item = Result<RawSample, Fault>;

    fn next(&mut self) -> Option<Self::Item> {
        while !self.done {
            if let Some(finished) = self.advance() {
                return Some(finished);
            }
        }
        let last = self.pending.take().map(finish);
        last.or_else(|| self.broken.take().map(Err))
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

/// One entry of a tar; `bytes` is `None` when it is above the limit.
struct Member {
    name: String,
    size: u64,
    is_file: bool,
    bytes: Option<Vec<u8>>,
}

fn read_entry(mut entry: Entry<'_, impl Read>, name: String, limit: u64) -> io::Result<Member> {
    let kind = entry.header().entry_type();
    let is_file = matches!(kind, EntryType::Regular | EntryType::Continuous | EntryType::GNUSparse);
    let size = entry.size();
    if !is_file || size > limit {
        skip(&mut entry, size)?;
        return Ok(Member { name, size, is_file, bytes: None });
    }
    let mut bytes = Vec::new();
    entry.read_to_end(&mut bytes)?;
    if bytes.len() as u64 != size {
        return Err(truncated());
    }
    Ok(Member { name, size, is_file, bytes: Some(bytes) })
}

fn skip(source: &mut impl Read, bytes: u64) -> io::Result<()> {
    let skipped = io::copy(&mut source.take(bytes), &mut io::sink())?;
    if skipped == bytes { Ok(()) } else { Err(truncated()) }
}

fn truncated() -> io::Error {
    io::Error::new(io::ErrorKind::UnexpectedEof, "the file is truncated")
}

fn finish((sample, fault): (RawSample, Option<Fault>)) -> Result<RawSample, Fault> {
    fault.map_or(Ok(sample), Err)
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
