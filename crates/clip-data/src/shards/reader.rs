//! Tar shards to raw samples, as Python's webdataset groups them.

use std::io::{self, BufRead, Read};
use std::sync::Arc;

use tar::{Archive, EntryType};

use super::name::split_name;
use super::{Location, OpenShard, ShardOpener};
use crate::{Cause, DataError, Fault, RawSample};

/// Default limit of one member's size, and of all members of a sample together: 256 MiB.
pub const DEFAULT_MAX_MEMBER_BYTES: u64 = 256 << 20;

/// The most bytes that a member's name and attributes may take: 1 MiB.
const MAX_HEADER_BYTES: u64 = 1 << 20;

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
    /// The sample being gathered.
    pending: Option<Gathering>,
    /// What ended the shard early, and where.
    broken: Option<(u64, Fault)>,
    last_key: String,
    /// Name of the member being read.
    reading: String,
    /// What [`offset`](Self::offset) says.
    returned: u64,
    /// Whether no file has been seen.
    is_empty: bool,
    done: bool,
}

/// A sample whose members are being read.
struct Gathering {
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
            reading: String::new(),
            returned: offset,
            is_empty: offset == 0,
            done: false,
        })
    }

    /// Where the sample or fault that was returned last begins in the decompressed tar, in bytes.
    pub fn offset(&self) -> u64 {
        self.returned
    }

    /// Reads one member; returns the sample it completes by starting another.
    fn advance(&mut self) -> Option<Gathering> {
        let offset = self.source.consumed();
        match self.read_member() {
            Ok(Some(member)) => return self.add(offset, member),
            Ok(None) if self.is_empty => {
                let reason = "the archive is empty: write the shard again or remove it";
                self.break_off(offset, Cause::BrokenShard, reason);
            }
            Ok(None) => {}
            Err(error) => {
                let cut = split_name(&self.reading).map(|(key, _)| key);
                let cut = self.pending.take_if(|pending| Some(&pending.sample.key) == cut.as_ref());
                let offset = cut.map_or(offset, |cut| cut.offset);
                match self.source.failure().map(str::to_owned) {
                    Some(failure) => self.break_off(offset, Cause::SourceFailed, &failure),
                    None => {
                        let reason = format!("{error}: fetch or write the shard again");
                        self.break_off(offset, Cause::BrokenShard, &reason);
                    }
                }
            }
        }
        self.done = true;
        None
    }

    fn break_off(&mut self, offset: u64, cause: Cause, reason: &str) {
        let fault = Fault {
            cause,
            shard: self.name.to_string(),
            key: self.last_key.clone(),
            reason: format!("the shard ends after this sample: {reason}"),
        };
        self.broken = Some((offset, fault));
    }

    /// The next file, or `None` at the end mark.
    fn read_member(&mut self) -> io::Result<Option<Member>> {
        loop {
            if self.source.fill_buf()?.is_empty() {
                // A tar ends with blocks of zeros, so the file was cut between two members.
                return if self.is_empty { Ok(None) } else { Err(truncated()) };
            }
            // Names and attributes may come in members of their own, of any size.
            self.source.allow(MAX_HEADER_BYTES);
            // A fresh archive per member: its iterator would borrow the reader from ourselves.
            let mut archive = Archive::new(&mut self.source);
            let Some(entry) = archive.entries()?.next() else {
                return Ok(None);
            };
            let entry = entry?;
            self.reading = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
            let (kind, size) = (entry.header().entry_type(), entry.size());
            drop(entry);
            self.source.allow(u64::MAX);
            let is_file =
                matches!(kind, EntryType::Regular | EntryType::Continuous | EntryType::GNUSparse);
            let bytes = self.read_bytes(size, is_file && size <= self.max_member_bytes)?;
            skip(&mut self.source, size.next_multiple_of(BLOCK) - size)?;
            if is_file {
                self.is_empty = false;
                return Ok(Some(Member { name: self.reading.clone(), size, bytes }));
            }
        }
    }

    /// The bytes of a member, if they are wanted.
    fn read_bytes(&mut self, size: u64, wanted: bool) -> io::Result<Option<Vec<u8>>> {
        if !wanted {
            skip(&mut self.source, size)?;
            return Ok(None);
        }
        // What a header says of a size is not yet there.
        let mut bytes = Vec::with_capacity(size.min(1 << 20) as usize);
        (&mut self.source).take(size).read_to_end(&mut bytes)?;
        if bytes.len() as u64 == size { Ok(Some(bytes)) } else { Err(truncated()) }
    }

    fn add(&mut self, offset: u64, member: Member) -> Option<Gathering> {
        let (key, extension) = split_name(&member.name)?;
        let starts = |pending: &mut Gathering| {
            pending.sample.key != key || pending.sample.member(&extension).is_some()
        };
        let finished = self.pending.take_if(starts);
        let gathering = self.pending.get_or_insert_with(|| Gathering {
            offset,
            bytes: 0,
            sample: RawSample { key: key.clone(), shard: self.name.clone(), members: vec![] },
            fault: None,
        });
        gathering.add(extension, member, self.max_member_bytes);
        self.last_key = key;
        finished
    }
}

impl Gathering {
    fn add(&mut self, extension: String, member: Member, limit: u64) {
        // A name takes memory too, and there may be millions of them.
        self.bytes = self.bytes.saturating_add(member.size).saturating_add(BLOCK);
        match member.bytes {
            Some(bytes) if self.bytes <= limit.saturating_add(MAX_HEADER_BYTES) => {
                self.sample.members.push((extension, bytes));
            }
            _ if self.fault.is_some() => {}
            _ => {
                let size = member.size;
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
        while !self.done && finished.is_none() {
            finished = self.advance();
        }
        if let Some(Gathering { offset, sample, fault, .. }) =
            finished.or_else(|| self.pending.take())
        {
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
    name: String,
    size: u64,
    bytes: Option<Vec<u8>>,
}

fn skip(source: &mut impl Read, bytes: u64) -> io::Result<()> {
    let skipped = io::copy(&mut source.take(bytes), &mut io::sink())?;
    if skipped == bytes { Ok(()) } else { Err(truncated()) }
}

fn truncated() -> io::Error {
    io::Error::new(io::ErrorKind::UnexpectedEof, "the file is truncated")
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
    fn a_name_of_two_megabytes_ends_the_shard() {
        let name = format!("{}.txt", "n".repeat(2 << 20));
        let samples = read(&tar_bytes(&[("0.txt", b"a"), (&name, b"b")]));
        let message = samples.last().unwrap().as_ref().unwrap_err().to_string();
        assert!(message.contains("name or attributes are too long"), "{message}");
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
        for contents in [bytes.clone(), gzip.finish().unwrap(), bytes[..bytes.len() - 1536].into()]
        {
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
