//! Tar shards to raw samples, as Python's webdataset groups them.

mod gathering;

#[cfg(test)]
mod tests;

use std::io::BufRead;
use std::sync::Arc;

use gathering::{Gathering, Member};

use super::end_mark;
use super::entry::{Entry, EntryError, truncated};
use super::name::split_name;
use super::{Location, OpenShard, ShardOpener};
use crate::{Cause, DataError, Fault, RawSample};

/// Default limit of one member's size, and of all members of a sample together: 256 MiB.
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
