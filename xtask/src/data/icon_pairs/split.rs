//! From drawings to splits: no copies across them, a few for validation.

use std::collections::BTreeSet;

use serde::Serialize;

use crate::data::lot::lot;
use crate::data::near::{self, Overlap, Seen};

use super::catalog::{MOST_VALIDATION, VALIDATION_SHARE};
use super::draw::Drawing;
use super::wanted::Split;

/// Drawings taken away once they could be compared.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Removed {
    /// The same as another drawing of its concept in its split.
    pub repeats: usize,
    /// Meant for training, and the same as a test drawing.
    pub in_test: usize,
}

/// What each split has in common with training.
#[derive(Clone, Debug, Serialize)]
pub struct SplitOverlap {
    /// The split compared with training.
    pub split: &'static str,
    /// What was found.
    #[serde(flatten)]
    pub overlap: Overlap,
}

/// Removes repeats in each split, and from training all that a test split shows too. Tests keep
/// their drawings, for results on all tiers to be comparable.
pub fn clean(drawings: &mut Vec<Drawing>) -> Removed {
    let mut drop = vec![false; drawings.len()];
    let mut removed = Removed::default();
    for split in Split::ALL {
        let members = indices(drawings, &[split], &drop);
        for (index, repeat) in members.iter().zip(near::repeats(&seen(drawings, &members))) {
            drop[*index] |= repeat;
            removed.repeats += usize::from(repeat);
        }
    }
    let train = indices(drawings, &[Split::Train], &drop);
    let test = indices(drawings, &[Split::TestArtist, Split::TestConcepts], &drop);
    let copies = near::copies(&seen(drawings, &train), &seen(drawings, &test));
    for (index, copy) in train.iter().zip(copies) {
        drop[*index] |= copy;
        removed.in_test += usize::from(copy);
    }
    let mut dropped = drop.into_iter();
    drawings.retain(|_| !dropped.next().unwrap_or(false));
    removed
}

/// Moves some of the training drawings to validation.
pub fn take_validation(drawings: &mut [Drawing]) {
    let mut train: Vec<&mut Drawing> =
        drawings.iter_mut().filter(|drawing| drawing.split == Split::Train).collect();
    train.sort_by_key(|drawing| (lot(&drawing.key), drawing.key.clone()));
    let count = (train.len() / VALIDATION_SHARE).min(MOST_VALIDATION);
    for drawing in train.into_iter().take(count) {
        drawing.split = Split::Validation;
    }
}

/// Compares all other splits with training.
pub fn overlaps(drawings: &[Drawing]) -> Vec<SplitOverlap> {
    let none = vec![false; drawings.len()];
    let train = indices(drawings, &[Split::Train], &none);
    let train = seen(drawings, &train);
    let others = Split::ALL.into_iter().filter(|split| *split != Split::Train);
    others
        .map(|split| {
            let members = indices(drawings, &[split], &none);
            let overlap = near::overlap(&seen(drawings, &members), &train);
            SplitOverlap { split: split.name(), overlap }
        })
        .collect()
}

/// Number of different concepts in a split.
pub fn concepts(drawings: &[Drawing], split: Split) -> usize {
    let members = drawings.iter().filter(|drawing| drawing.split == split);
    members.map(|drawing| &drawing.seen.group).collect::<BTreeSet<_>>().len()
}

fn indices(drawings: &[Drawing], splits: &[Split], dropped: &[bool]) -> Vec<usize> {
    let belongs = |index: &usize| splits.contains(&drawings[*index].split) && !dropped[*index];
    (0..drawings.len()).filter(belongs).collect()
}

fn seen<'a>(drawings: &'a [Drawing], indices: &[usize]) -> Vec<&'a Seen> {
    indices.iter().map(|index| &drawings[*index].seen).collect()
}
