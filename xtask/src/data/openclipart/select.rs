//! From pictures to splits: few of a title, none twice, none on both sides.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::data::lot::lot;
use crate::data::near::{self, Overlap, Seen};

use super::catalog::MOST_OF_TITLE;
use super::picture::{Picture, Split};

/// Pictures that were left out once they could be compared.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct LeftOut {
    /// The same as another picture of the title.
    pub repeats: usize,
    /// Beyond the most of one title.
    pub of_frequent_titles: usize,
    /// Meant for training, and the same as a test picture of another title.
    pub in_test: usize,
}

/// Leaves pictures out, and says how many.
pub fn select(pictures: &mut Vec<Picture>) -> LeftOut {
    let repeats = near::repeats(&seen(pictures));
    let repeats = drop(pictures, &repeats);
    let of_frequent_titles = {
        let frequent = frequent(pictures);
        drop(pictures, &frequent)
    };
    let test: Vec<&Seen> = of_split(pictures, Split::Test);
    let copies = near::copies(&seen(pictures), &test);
    let copies: Vec<bool> = pictures
        .iter()
        .zip(copies)
        .map(|(picture, copy)| picture.split == Split::Train && copy)
        .collect();
    let in_test = drop(pictures, &copies);
    LeftOut { repeats, of_frequent_titles, in_test }
}

/// What the test has in common with training.
pub fn overlap(pictures: &[Picture]) -> Overlap {
    near::overlap(&of_split(pictures, Split::Test), &of_split(pictures, Split::Train))
}

/// Names of the categories, sorted.
pub fn classes(pictures: &[Picture]) -> Vec<String> {
    let classes: BTreeSet<&String> = pictures.iter().map(|picture| &picture.label.class).collect();
    classes.into_iter().cloned().collect()
}

/// Which pictures are beyond the most of their title. Which are not is drawn by lot.
fn frequent(pictures: &[Picture]) -> Vec<bool> {
    let mut titles: BTreeMap<&str, Vec<(u64, usize)>> = BTreeMap::new();
    for (index, picture) in pictures.iter().enumerate() {
        titles.entry(&picture.seen.group).or_default().push((lot(&picture.key), index));
    }
    let mut frequent = vec![false; pictures.len()];
    for mut members in titles.into_values() {
        members.sort_unstable();
        for (_, index) in members.into_iter().skip(MOST_OF_TITLE) {
            frequent[index] = true;
        }
    }
    frequent
}

fn drop(pictures: &mut Vec<Picture>, which: &[bool]) -> usize {
    let before = pictures.len();
    let mut which = which.iter();
    pictures.retain(|_| !which.next().is_some_and(|dropped| *dropped));
    before - pictures.len()
}

fn seen(pictures: &[Picture]) -> Vec<&Seen> {
    pictures.iter().map(|picture| &picture.seen).collect()
}

fn of_split(pictures: &[Picture], split: Split) -> Vec<&Seen> {
    let members = pictures.iter().filter(|picture| picture.split == split);
    members.map(|picture| &picture.seen).collect()
}
