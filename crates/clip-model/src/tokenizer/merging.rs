//! Byte-pair merging of one word: the lowest merge first, at all its places from left to right.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::vocabulary::Merges;

/// In words up to this many bytes the lowest merge is searched for each time, which is faster for
/// them.
const SHORT: usize = 64;

/// No token: what a merged-away place holds.
const GONE: u32 = u32::MAX;

/// No merge: later than all.
const NEVER: u32 = u32::MAX;

/// Merges the tokens from `from` on, which are a word's bytes, as far as they go.
pub fn merge(merges: &Merges, ids: &mut Vec<u32>, from: usize) {
    if ids.len() - from > SHORT {
        let merged = Chain::new(merges, &ids[from..]).merged();
        ids.truncate(from);
        ids.extend(merged);
        return;
    }
    let mut pairs = [NEVER; SHORT];
    let left = merge_short(merges, &mut ids[from..], &mut pairs);
    ids.truncate(from + left);
}

/// Merges a word's tokens, of which `pairs` has room for as many. Returns how many are left, at its
/// start.
fn merge_short(merges: &Merges, word: &mut [u32], pairs: &mut [u32]) -> usize {
    let merge_of = |tokens: &[u32]| merges.get(&(tokens[0], tokens[1])).map_or(NEVER, |id| *id);
    let mut length = word.len();
    for (pair, tokens) in pairs.iter_mut().zip(word.windows(2)) {
        *pair = merge_of(tokens);
    }
    loop {
        let possible = pairs[..length.saturating_sub(1)].iter().min();
        let Some(lowest) = possible.copied().filter(|lowest| *lowest != NEVER) else {
            return length;
        };
        // What a place makes possible comes after all places of the merge, even if that is lower.
        let mut at = 0;
        while at + 1 < length {
            if pairs[at] == lowest {
                word[at] = lowest;
                word.copy_within(at + 2..length, at + 1);
                pairs.copy_within(at + 1..length - 1, at);
                length -= 1;
                if at + 1 < length {
                    pairs[at] = merge_of(&word[at..at + 2]);
                }
                if at > 0 {
                    pairs[at - 1] = merge_of(&word[at - 1..=at]);
                }
            }
            at += 1;
        }
    }
}

/// A long word as a linked list, with its possible merges in a heap: a merge costs the logarithm
/// of the word's length, where searching anew would cost the length.
struct Chain<'a> {
    merges: &'a Merges,
    ids: Vec<u32>,
    next: Vec<usize>,
    previous: Vec<usize>,
    /// Merge and place of its left half; stale where the tokens changed since.
    candidates: BinaryHeap<Reverse<(u32, usize)>>,
}

impl<'a> Chain<'a> {
    fn new(merges: &'a Merges, word: &[u32]) -> Self {
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

    fn merged(mut self) -> Vec<u32> {
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

#[cfg(test)]
pub(super) mod tests {
    use super::super::vocabulary::Vocabulary;
    use super::*;
    use crate::VOCAB_SIZE;

    /// The definition: the lowest merge of all pairs at all its places, until there is none. Also
    /// the highest merge that was done.
    pub fn merged_plainly(merges: &Merges, mut word: Vec<u32>) -> (Vec<u32>, Option<u32>) {
        let mut highest = None;
        loop {
            let pairs = word.windows(2).filter_map(|pair| merges.get(&(pair[0], pair[1])));
            let Some(lowest) = pairs.min().copied() else { return (word, highest) };
            highest = highest.max(Some(lowest));
            let mut joined: Vec<u32> = Vec::new();
            let mut rest = &word[..];
            while let [first, after @ ..] = rest {
                let pair = after.first().and_then(|second| merges.get(&(*first, *second)));
                let joins = pair == Some(&lowest);
                joined.push(if joins { lowest } else { *first });
                rest = if joins { &after[1..] } else { after };
            }
            word = joined;
        }
    }

    #[test]
    fn short_and_long_words_merge_as_defined() {
        let vocabulary = Vocabulary::new(VOCAB_SIZE).unwrap();
        let merges = vocabulary.merges();
        for seed in 0..4000_u32 {
            // Few letters, so that most pairs merge.
            let letter =
                |at| 64 + (seed.wrapping_mul(2_654_435_761) >> (at % 29)) % (1 + seed % 20);
            let word: Vec<u32> = (0..1 + seed % (SHORT as u32 + 9)).map(letter).collect();
            let (expected, _) = merged_plainly(merges, word.clone());
            assert_eq!(Chain::new(merges, &word).merged(), expected);
            let mut ids = [vec![7], word].concat();
            merge(merges, &mut ids, 1);
            assert_eq!(ids, [vec![7], expected].concat());
        }
    }
}
