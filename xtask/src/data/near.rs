//! Which pictures of a large corpus are alike, and what its splits share.

use std::collections::HashMap;

use clip_data::Print;
use rayon::prelude::*;
use serde::Serialize;

/// Pictures closer than this are near copies.
const NEAR: f64 = 4.0;

/// What is known of a picture: what it shows and how it looks.
#[derive(Clone, Debug)]
pub struct Seen {
    /// What it shows: its concept, or its title.
    pub group: String,
    /// How it looks.
    pub print: Print,
}

/// Pictures of one split that have a picture like them in another.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Overlap {
    /// Pictures compared.
    pub pictures: usize,
    /// Counts against pictures of the same group.
    pub same_group: Alike,
    /// Counts against pictures of other groups.
    pub other_group: Alike,
}

/// Pictures with at least one picture that near.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Alike {
    /// Difference hashes at most 2 of 64 bits apart.
    pub hash_within_2: usize,
    /// Difference hashes at most 4 of 64 bits apart.
    pub hash_within_4: usize,
    /// Mean absolute pixel difference on white below 4/255; in large corpora of 16 x 16 copies.
    pub pixels_within_4: usize,
}

/// How near the nearest of some pictures is.
#[derive(Clone, Copy)]
pub struct Nearest {
    /// Bits in which the difference hashes differ.
    pub hash: u32,
    /// Mean absolute difference of the pixels, in steps of 1/255.
    pub pixels: f64,
}

impl Nearest {
    /// There are none.
    pub const NONE: Self = Self { hash: u32::MAX, pixels: f64::INFINITY };

    fn see(&mut self, hash: u32, left: &Seen, right: &Seen) {
        self.hash = self.hash.min(hash);
        self.pixels = self.pixels.min(left.print.difference(&right.print));
    }
}

impl Alike {
    /// Counts a picture by the nearest of the others.
    pub fn count(&mut self, nearest: Nearest) {
        self.hash_within_2 += usize::from(nearest.hash <= 2);
        self.hash_within_4 += usize::from(nearest.hash <= 4);
        self.pixels_within_4 += usize::from(nearest.pixels < NEAR);
    }
}

/// Rows of a table in Markdown, with a column for each of the counts.
pub fn rows<const N: usize>(counts: [&Alike; N]) -> String {
    let row = |what: &str, count: fn(&Alike) -> usize| {
        let cells: String = counts.iter().map(|alike| format!(" {} |", count(alike))).collect();
        format!("| {what} |{cells}\n")
    };
    [
        row("at most 2 bits away", |alike| alike.hash_within_2),
        row("at most 4 bits away", |alike| alike.hash_within_4),
        row("less than 4/255 away", |alike| alike.pixels_within_4),
    ]
    .concat()
}

/// Compares each of `pictures` with all of `others`.
pub fn overlap(pictures: &[&Seen], others: &[&Seen]) -> Overlap {
    let groups = by_group(others);
    let nearest: Vec<_> =
        pictures.par_iter().map(|picture| nearest(picture, others, &groups)).collect();
    let mut overlap = Overlap { pictures: pictures.len(), ..Overlap::default() };
    for (same, other) in nearest {
        overlap.same_group.count(same);
        overlap.other_group.count(other);
    }
    overlap
}

fn nearest(
    picture: &Seen,
    others: &[&Seen],
    groups: &HashMap<&str, Vec<usize>>,
) -> (Nearest, Nearest) {
    let (mut same, mut other) = (Nearest::NONE, Nearest::NONE);
    for index in groups.get(picture.group.as_str()).into_iter().flatten() {
        let seen = others[*index];
        same.see(picture.print.hash_distance(&seen.print), picture, seen);
    }
    for seen in others {
        let hash = picture.print.hash_distance(&seen.print);
        if hash <= Print::WORTH_COMPARING && seen.group != picture.group {
            other.see(hash, picture, seen);
        }
    }
    (same, other)
}

/// For each of `pictures`, whether it is the same as one of `others`, whatever they show.
pub fn copies(pictures: &[&Seen], others: &[&Seen]) -> Vec<bool> {
    let same = |picture: &&Seen| others.iter().any(|other| picture.print.is_same(&other.print));
    pictures.par_iter().map(same).collect()
}

/// For each of `pictures`, whether it is the same as an earlier one of its group that is no
/// repeat itself.
pub fn repeats(pictures: &[&Seen]) -> Vec<bool> {
    let mut repeats = vec![false; pictures.len()];
    for members in by_group(pictures).into_values() {
        let mut kept: Vec<&Seen> = Vec::new();
        for index in members {
            let picture = pictures[index];
            if kept.iter().any(|known| known.print.difference(&picture.print) < Print::SAME) {
                repeats[index] = true;
            } else {
                kept.push(picture);
            }
        }
    }
    repeats
}

fn by_group<'a>(pictures: &[&'a Seen]) -> HashMap<&'a str, Vec<usize>> {
    let mut groups: HashMap<&str, Vec<usize>> = HashMap::new();
    for (index, picture) in pictures.iter().enumerate() {
        groups.entry(&picture.group).or_default().push(index);
    }
    groups
}

#[cfg(test)]
mod tests {
    use image::{Rgb, RgbImage};

    use super::*;

    /// A flat grey picture.
    fn flat(group: &str, grey: u8) -> Seen {
        let print = Print::of(&RgbImage::from_pixel(32, 32, Rgb([grey; 3])));
        Seen { group: group.to_owned(), print }
    }

    #[test]
    fn the_earlier_of_two_equal_pictures_of_a_group_is_no_repeat() {
        let pictures = [flat("sun", 10), flat("sun", 11), flat("sun", 12), flat("moon", 10)];
        let pictures: Vec<&Seen> = pictures.iter().collect();
        assert_eq!(repeats(&pictures), [false, true, false, false]);
    }

    #[test]
    fn a_copy_is_found_whatever_it_is_called() {
        let (left, right) = ([flat("sun", 10), flat("sun", 90)], [flat("moon", 11)]);
        let copies = copies(&[&left[0], &left[1]], &[&right[0]]);
        assert_eq!(copies, [true, false]);
    }

    #[test]
    fn likeness_is_counted_per_picture_and_apart_for_other_groups() {
        let train = [flat("sun", 10), flat("sun", 11), flat("moon", 100)];
        let train: Vec<&Seen> = train.iter().collect();
        let overlap = overlap(&[&flat("sun", 13)], &train);
        let alike = Alike { hash_within_2: 1, hash_within_4: 1, pixels_within_4: 1 };
        assert_eq!((overlap.pictures, overlap.same_group), (1, alike));
        let alike = Alike { hash_within_2: 1, hash_within_4: 1, pixels_within_4: 0 };
        assert_eq!(overlap.other_group, alike);
    }
}
