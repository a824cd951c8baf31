//! Tar shards to raw samples, as Python's webdataset groups them.

use std::io::BufRead;
use std::sync::Arc;

use super::end_mark;
use super::entry::{BLOCK, Entry, EntryError, truncated};
use super::name::split_name;
use super::{Location, OpenShard, ShardOpener};
use crate::{Cause, DataError, Fault, RawSample};

/// Default limit of one member's size, and of all members of a sample together: 256 MiB.
pub const DEFAULT_MAX_MEMBER_BYTES: u64 = 256 << 20;

/// The most bytes that the headers of a sample may take: 1 MiB.
const MAX_HEADER_BYTES: u64 = 1 << 20;

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
    pending: Option<Gathering>,
    /// What is wrong with the shard after the pending sample, and where.
    broken: Option<(u64, Fault)>,
    last_key: String,
    /// Name of the member being read, and where it begins.
    reading: Vec<u8>,
    reading_at: u64,
    /// What [`offset`](Self::offset) says.
    returned: u64,
    /// Whether no file has been seen.
    is_empty: bool,
    /// Whether the members ended as they should.
    at_end_mark: bool,
    state: State,
}

#[derive(Clone, Copy, PartialEq)]
enum State {
    Reading,
    /// The next sound header has to be found.
    Damaged,
    Done,
}

/// A sample whose members are being read.
struct Gathering {
    /// The key as it is in the tar, where it needn't be UTF-8.
    key: Vec<u8>,
    offset: u64,
    /// Bytes of the tar that it takes.
    bytes: u64,
    sample: RawSample,
    fault: Option<Fault>,
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
        Self::open_at(location, opener, max_member_bytes, 0)
    }

    /// As [`open`](Self::open), but begins at what [`offset`](Self::offset) said of a sample or
    /// fault: with it and all that follow.
    ///
    /// # Errors
    ///
    /// As [`ShardOpener::open_at`].
    pub fn open_at(
        location: &Location,
        opener: &ShardOpener,
        max_member_bytes: u64,
        offset: u64,
    ) -> Result<Self, DataError> {
        Ok(Self {
            name: location.to_string().into(),
            source: opener.open_at(location, offset)?,
            max_member_bytes,
            pending: None,
            broken: None,
            last_key: String::new(),
            reading: Vec::new(),
            reading_at: offset,
            returned: offset,
            is_empty: offset == 0,
            at_end_mark: false,
            state: State::Reading,
        })
    }

    /// Where the sample or fault that was returned last begins in the decompressed tar, in bytes.
    pub fn offset(&self) -> u64 {
        self.returned
    }

    /// Once all samples are read: what is wrong behind them, where no fault has told of it.
    ///
    /// Nothing is lost with it, for readers stop at the first block of zeros; but the shard is not
    /// as it was written.
    pub(crate) fn end_fault(&mut self) -> Option<Fault> {
        if !self.at_end_mark {
            return None;
        }
        let problem = end_mark::problem(&mut self.source);
        let problem = problem.unwrap_or_else(|error| Some(error.to_string()))?;
        let cause = match self.source.failure() {
            Some(_) => Cause::SourceFailed,
            None => Cause::BrokenShard,
        };
        let (shard, key) = (self.name.to_string(), self.last_key.clone());
        Some(Fault { cause, shard, key, reason: format!("after this last sample: {problem}") })
    }

    /// Reads one member; returns the sample it completes by starting another.
    fn advance(&mut self) -> Option<Gathering> {
        match self.read_member() {
            Ok(Some(member)) => return self.add(member),
            Ok(None) if self.has_failed() => {
                let failure = self.source.failure().unwrap_or_default().to_owned();
                self.break_off(self.reading_at, Cause::SourceFailed, &failure);
            }
            Ok(None) if self.is_empty => {
                let reason = "the archive is empty: write the shard again or remove it";
                self.break_off(self.reading_at, Cause::BrokenShard, reason);
            }
            Ok(None) => self.at_end_mark = true,
            Err(EntryError::Foreign) if self.is_empty => {
                let reason = "it is no tar: fetch or write the shard again";
                self.break_off(self.reading_at, Cause::BrokenShard, reason);
            }
            Err(EntryError::Foreign) => return self.pass_over("a header is overwritten"),
            Err(EntryError::Damaged(reason)) => return self.pass_over(reason),
            Err(EntryError::Io(error)) => {
                let cut = split_name(&self.reading).map(|(key, _)| key);
                let cut = self.pending.take_if(|pending| Some(pending.key.as_slice()) == cut);
                let offset = cut.map_or(self.reading_at, |cut| cut.offset);
                match self.source.failure().map(str::to_owned) {
                    Some(failure) => self.break_off(offset, Cause::SourceFailed, &failure),
                    None => {
                        let reason = format!("{error}: fetch or write the shard again");
                        self.break_off(offset, Cause::BrokenShard, &reason);
                    }
                }
            }
        }
        self.state = State::Done;
        None
    }

    /// Whether the source, which may go on after the archive, has failed in the end.
    fn has_failed(&mut self) -> bool {
        self.source.finish();
        self.source.failure().is_some()
    }

    fn break_off(&mut self, offset: u64, cause: Cause, reason: &str) {
        let reason = format!("the shard ends after this sample: {reason}");
        let (shard, key) = (self.name.to_string(), self.last_key.clone());
        self.broken = Some((offset, Fault { cause, shard, key, reason }));
    }

    /// Notes damage, after which the next sound header is to be found; returns the sample before.
    fn pass_over(&mut self, damage: &str) -> Option<Gathering> {
        let reason = format!(
            "members are missing after this sample: {damage}: fetch or write the shard again"
        );
        let (shard, key) = (self.name.to_string(), self.last_key.clone());
        let fault = Fault { cause: Cause::BrokenShard, shard, key, reason };
        self.broken = Some((self.reading_at, fault));
        self.is_empty = false;
        self.state = State::Damaged;
        self.pending.take()
    }

    /// The next file, or `None` at the end mark.
    fn read_member(&mut self) -> Result<Option<Member>, EntryError> {
        let source = &mut self.source;
        loop {
            self.reading_at = source.consumed();
            let entry = if self.state == State::Damaged {
                Entry::resume(source)?
            } else if source.fill_buf()?.is_empty() {
                // A tar ends with blocks of zeros, so the file was cut between two members.
                return if self.is_empty { Ok(None) } else { Err(truncated().into()) };
            } else {
                Entry::next(source)?
            };
            self.state = State::Reading;
            let Some(entry) = entry else { return Ok(None) };
            self.reading.clone_from(&entry.name);
            self.reading_at = entry.offset;
            if !entry.is_file {
                entry.skip(source)?;
                continue;
            }
            self.is_empty = false;
            let bytes = if entry.is_within(self.max_member_bytes) {
                Some(entry.read(source)?)
            } else {
                entry.skip(source)?;
                None
            };
            return Ok(Some(Member { name: entry.name, size: entry.size, bytes }));
        }
    }

    fn add(&mut self, member: Member) -> Option<Gathering> {
        let (key, extension) = split_name(&member.name)?;
        let extension = String::from_utf8_lossy(extension).to_lowercase();
        let starts = |pending: &mut Gathering| {
            pending.key != key || pending.sample.member(&extension).is_some()
        };
        let finished = self.pending.take_if(starts);
        let gathering = self.pending.get_or_insert_with(|| {
            self.last_key = String::from_utf8_lossy(key).into_owned();
            let key = key.to_vec();
            let (readable, shard) = (self.last_key.clone(), self.name.clone());
            let sample = RawSample { key: readable, shard, members: vec![] };
            Gathering { key, offset: self.reading_at, bytes: 0, sample, fault: None }
        });
        gathering.add(extension, member.size, member.bytes, self.max_member_bytes);
        finished
    }
}

impl Gathering {
    fn add(&mut self, extension: String, size: u64, bytes: Option<Vec<u8>>, limit: u64) {
        // A name takes memory too, and there may be millions of them.
        self.bytes = self.bytes.saturating_add(size).saturating_add(BLOCK);
        match bytes {
            Some(bytes) if self.bytes <= limit.saturating_add(MAX_HEADER_BYTES) => {
                self.sample.members.push((extension, bytes));
            }
            _ if self.fault.is_some() => {}
            _ => {
                let reason = format!(
                    "with the {size} bytes of `{extension}` it is larger than the limit of {limit}"
                );
                self.fault = Some(self.sample.fault(Cause::MemberTooLarge, reason));
                self.sample.members.clear();
            }
        }
    }
}

impl Iterator for ShardReader {
    type Item = Result<RawSample, Fault>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut finished = None;
        while self.state != State::Done && self.broken.is_none() && finished.is_none() {
            finished = self.advance();
        }
        // Damage comes after the sample before it.
        let finished = finished.or_else(|| self.pending.take());
        if let Some(Gathering { offset, sample, fault, .. }) = finished {
            self.returned = offset;
            return Some(fault.map_or(Ok(sample), Err));
        }
        let (offset, fault) = self.broken.take()?;
        self.returned = offset;
        Some(Err(fault))
    }
}

/// A file of a tar; `bytes` is `None` when it is above the limit.
struct Member {
    name: Vec<u8>,
    size: u64,
    bytes: Option<Vec<u8>>,
}

#[cfg(test)]
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
        assert!(fault.to_string().contains("with the 1001 bytes of `png`"), "{fault}");
        assert_eq!(keys(&samples), ["1"]);
    }

    #[test]
    fn a_sample_s_members_have_a_limit_together() {
        let part = [0; 700];
        let samples = read(&tar_bytes(&[("0.a", &part), ("0.b", &part), ("1.txt", b"b")]));
        assert!(samples[0].is_ok(), "the limit leaves room for headers");
        let many: Vec<_> =
            (0..3_000).map(|number| (format!("0.{number}"), b"".as_slice())).collect();
        let mut members: Vec<_> =
            many.iter().map(|(name, bytes)| (name.as_str(), *bytes)).collect();
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
                let same =
                    |(ours, (_, theirs)): (Result<_, Fault>, &(u64, Result<_, Fault>))| match (
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
}
