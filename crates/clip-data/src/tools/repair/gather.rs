//! Which of the samples of a broken shard are complete.

use std::collections::{BTreeSet, VecDeque};

use super::salvage::Piece;
use crate::FaultTally;
use crate::decode::is_image_extension;
use crate::shards::readable_split;
use crate::{Cause, Fault};

/// How many kinds of samples are remembered.
const MAX_KINDS: usize = 64;

/// Name and bytes of a complete sample's members.
pub(super) type Kept = Vec<(Vec<u8>, Vec<u8>)>;

/// Gathers members to samples, as [`ShardReader`](crate::ShardReader) does, and leaves out those that
/// lost members.
pub(super) struct Gather {
    shard: String,
    pending: Option<Pending>,
    /// Whether the last piece was a gap: the sample after it may have lost members.
    after_gap: bool,
    /// The extensions of samples that no damage was beside.
    kinds: Vec<BTreeSet<String>>,
    kept: VecDeque<Kept>,
    faults: FaultTally,
    last_key: String,
}

struct Pending {
    key: String,
    extensions: BTreeSet<String>,
    members: Kept,
    beside_gap: bool,
}

impl Gather {
    pub(super) fn new(shard: String, named: usize) -> Self {
        Self {
            shard,
            pending: None,
            after_gap: false,
            kinds: Vec::new(),
            kept: VecDeque::new(),
            faults: FaultTally::new(named),
            last_key: String::new(),
        }
    }

    pub(super) fn add(&mut self, piece: Piece) {
        match piece {
            Piece::Member { name, bytes } => self.member(name, bytes),
            Piece::Gap(reason) => {
                if let Some(pending) = &mut self.pending {
                    pending.beside_gap = true;
                }
                self.after_gap = true;
                self.fault(self.last_key.clone(), format!("after this sample: {reason}"));
            }
            Piece::End => self.end(),
        }
    }

    /// The samples that are complete and weren't taken before.
    pub(super) fn kept(&mut self) -> impl Iterator<Item = Kept> {
        self.kept.drain(..)
    }

    /// What is wrong.
    pub(super) fn into_faults(self) -> FaultTally {
        self.faults
    }

    /// No more members follow the last sample.
    pub(super) fn end(&mut self) {
        if let Some(pending) = self.pending.take() {
            self.finish(pending);
        }
        self.after_gap = false;
    }

    fn member(&mut self, name: Vec<u8>, bytes: Vec<u8>) {
        let Some((key, extension)) = readable_split(&name) else { return };
        let starts =
            |sample: &mut Pending| sample.key != key || sample.extensions.contains(&extension);
        if let Some(finished) = self.pending.take_if(starts) {
            self.finish(finished);
        }
        let beside_gap = std::mem::take(&mut self.after_gap);
        let pending = self.pending.get_or_insert_with(|| Pending {
            key: key.clone(),
            extensions: BTreeSet::new(),
            members: Vec::new(),
            beside_gap,
        });
        pending.extensions.insert(extension);
        pending.members.push((name, bytes));
        self.last_key = key;
    }

    fn finish(&mut self, sample: Pending) {
        if !sample.beside_gap {
            if self.kinds.len() < MAX_KINDS && !self.kinds.contains(&sample.extensions) {
                self.kinds.push(sample.extensions);
            }
            self.kept.push_back(sample.members);
        } else if self.is_complete(&sample.extensions) {
            self.kept.push_back(sample.members);
        } else {
            let left: Vec<_> = sample.extensions.iter().map(|name| format!("`{name}`")).collect();
            let reason = format!("it lost members, only {} is left of it", left.join(", "));
            self.fault(sample.key, reason);
        }
    }

    fn is_complete(&self, extensions: &BTreeSet<String>) -> bool {
        if self.kinds.is_empty() {
            return extensions.len() > 1 && extensions.iter().any(|name| is_image_extension(name));
        }
        self.kinds.contains(extensions)
    }

    fn fault(&mut self, key: String, reason: String) {
        let (cause, shard) = (Cause::BrokenShard, self.shard.clone());
        self.faults.add(Fault { cause, shard, key, reason });
    }
}
