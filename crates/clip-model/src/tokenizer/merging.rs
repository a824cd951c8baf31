//! Byte-pair merging of one word: the lowest merge first, at all its places from left to right.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::vocabulary::Merges;

/// Words up to this many bytes are searched anew for each merge, which is faster for them.
const SHORT: usize = 64;

/// No token: what a merged-away place holds.
const GONE: u32 = u32::MAX;

/// Merges the tokens from `from` on, which are a word's bytes, as far as they go.
pub fn merge(merges: &Merges, ids: &mut Vec<u32>, from: usize) {
    if ids.len() - from > SHORT {
        let merged = Chain::new(merges, &ids[from..]).merged();
        ids.truncate(from);
        ids.extend(merged);
        return;
    }
    merge_short(merges, ids, from);
}

/// As [`merge`], searching anew each time.
pub(super) fn merge_short(merges: &Merges, ids: &mut Vec<u32>, from: usize) {
    while let Some(lowest) = lowest_merge(merges, &ids[from..]) {
        replace_all(merges, ids, from, lowest);
    }
}

fn lowest_merge(merges: &Merges, word: &[u32]) -> Option<u32> {
    word.windows(2).filter_map(|pair| merges.get(&(pair[0], pair[1])).copied()).min()
}

/// Does one merge at all its places.
fn replace_all(merges: &Merges, ids: &mut Vec<u32>, from: usize, merge: u32) {
    let (mut read, mut write) = (from, from);
    while read < ids.len() {
        let is_pair =
            ids.get(read + 1).is_some_and(|next| merges.get(&(ids[read], *next)) == Some(&merge));
        ids[write] = if is_pair { merge } else { ids[read] };
        read += if is_pair { 2 } else { 1 };
        write += 1;
    }
    ids.truncate(write);
}

/// A long word as a linked list, with its possible merges in a heap: a merge costs the logarithm
/// of the word's length, where searching anew would cost the length.
pub(super) struct Chain<'a> {
    merges: &'a Merges,
    ids: Vec<u32>,
    next: Vec<usize>,
    previous: Vec<usize>,
    /// Merge and place of its left half; stale where the tokens changed since.
    candidates: BinaryHeap<Reverse<(u32, usize)>>,
}

impl<'a> Chain<'a> {
    pub(super) fn new(merges: &'a Merges, word: &[u32]) -> Self {
        let places = 0..word.len();
        let mut chain = Self {
            merges,
            ids: word.to_vec(),
            next: places.clone().map(|place| place + 1).collect(),
            previous: places.clone().map(|place| place.wrapping_sub(1)).collect(),
            candidates: BinaryHeap::new(),
        };
        let candidates = places.filter_map(|place| chain.candidate(place)).collect();
        chain.candidates = candidates;
        chain
    }

    /// The merge of a place with the next, if there is one.
    fn candidate(&self, place: usize) -> Option<Reverse<(u32, usize)>> {
        let left = *self.ids.get(place)?;
        let right = *self.ids.get(*self.next.get(place)?)?;
        self.merges.get(&(left, right)).map(|merge| Reverse((*merge, place)))
    }

    pub(super) fn merged(mut self) -> Vec<u32> {
        let mut places = Vec::new();
        while let Some(Reverse((lowest, place))) = self.candidates.pop() {
            // All places of a merge come before what they make possible, even if that is lower.
            places.push(place);
            while let Some(Reverse((merge, place))) = self.candidates.peek().copied()
                && merge == lowest
            {
                places.push(place);
                self.candidates.pop();
            }
            let mut changed = Vec::with_capacity(places.len());
            for place in places.drain(..) {
                if self.candidate(place) == Some(Reverse((lowest, place))) {
                    self.join(place, lowest);
                    changed.push(place);
                }
            }
            for place in changed {
                let before = self.candidate(self.previous[place]);
                let after = self.candidate(place);
                self.candidates.extend(before.into_iter().chain(after));
            }
        }
        self.ids.retain(|id| *id != GONE);
        self.ids
    }

    /// Replaces a place and the next by their merge.
    fn join(&mut self, place: usize, merge: u32) {
        let gone = self.next[place];
        let after = self.next[gone];
        self.ids[place] = merge;
        self.ids[gone] = GONE;
        self.next[place] = after;
        if let Some(previous) = self.previous.get_mut(after) {
            *previous = place;
        }
    }
}
