//! What training and test drawings share, and the removal of repeated drawings.

use std::collections::HashMap;

use clip_data::{Print, mean_difference};
use serde::Serialize;

use super::drawing::{Drawing, by_concept};
use crate::data::near::{Alike, Nearest};

/// Test drawings that have a training drawing like them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Overlap {
    /// Test drawings compared.
    pub test_drawings: usize,
    /// Counts against training drawings of the same concept.
    pub same_concept: Alike,
    /// Counts against training drawings of other concepts.
    pub other_concept: Alike,
    /// Test drawings that look the same as the test drawing of another concept.
    pub twins_in_test: usize,
}

/// Notes how near the drawings are; by pixel if that is worth it or `always_by_pixel` says so.
fn see(nearest: &mut Nearest, left: &Drawing, right: &Drawing, always_by_pixel: bool) {
    let hash = left.hash.distance(right.hash);
    nearest.hash = nearest.hash.min(hash);
    if always_by_pixel || hash <= Print::WORTH_COMPARING {
        nearest.pixels = nearest.pixels.min(mean_difference(&left.on_white, &right.on_white));
    }
}

/// Compares every test drawing with every training drawing.
pub fn measure(train: &[Drawing], test: &[Drawing]) -> Overlap {
    let mut overlap = Overlap { test_drawings: test.len(), ..Overlap::default() };
    for held_out in test {
        let (mut same, mut other) = (Nearest::NONE, Nearest::NONE);
        for drawing in train {
            if drawing.concept == held_out.concept {
                see(&mut same, held_out, drawing, true);
            } else {
                see(&mut other, held_out, drawing, false);
            }
        }
        overlap.same_concept.count(same);
        overlap.other_concept.count(other);
    }
    overlap.twins_in_test = test.iter().filter(|drawing| has_twin(drawing, test)).count();
    overlap
}

fn has_twin(drawing: &Drawing, among: &[Drawing]) -> bool {
    among.iter().any(|other| {
        other.concept != drawing.concept
            && other.hash.distance(drawing.hash) <= Print::WORTH_COMPARING
            && is_same(other, drawing)
    })
}

/// Removes drawings that repeat an earlier one of the same concept; returns how many.
pub fn drop_repeats(drawings: &mut Vec<Drawing>) -> usize {
    let before = drawings.len();
    let mut kept: Vec<Drawing> = Vec::with_capacity(before);
    let mut concepts: HashMap<String, Vec<usize>> = HashMap::new();
    for drawing in drawings.drain(..) {
        let earlier = concepts.entry(drawing.concept.clone()).or_default();
        if earlier.iter().all(|index| !is_same(&kept[*index], &drawing)) {
            earlier.push(kept.len());
            kept.push(drawing);
        }
    }
    *drawings = kept;
    before - drawings.len()
}

/// Removes test drawings that some training drawing of the concept equals; returns how many.
pub fn drop_known(test: &mut Vec<Drawing>, train: &[Drawing]) -> usize {
    let before = test.len();
    let known = by_concept(train);
    test.retain(|drawing| {
        let mut same_concept = known.get(drawing.concept.as_str()).into_iter().flatten();
        !same_concept.any(|seen| is_same(seen, drawing))
    });
    before - test.len()
}

fn is_same(left: &Drawing, right: &Drawing) -> bool {
    mean_difference(&left.on_white, &right.on_white) < Print::SAME
}

#[cfg(test)]
mod tests {
    use image::{Rgba, RgbaImage};

    use super::super::catalog::ARTISTS;
    use super::*;

    /// A flat grey drawing.
    fn flat(key: &str, concept: &str, grey: u8) -> Drawing {
        let image = RgbaImage::from_pixel(16, 16, Rgba([grey, grey, grey, 255]));
        Drawing::new(key.to_owned(), concept, ARTISTS[0], image)
    }

    fn keys(drawings: &[Drawing]) -> Vec<&str> {
        drawings.iter().map(|drawing| drawing.key.as_str()).collect()
    }

    #[test]
    fn the_earlier_of_two_equal_drawings_stays() {
        let mut drawings = vec![
            flat("a", "sun", 10),
            flat("b", "sun", 11),
            flat("c", "sun", 12),
            flat("d", "moon", 10),
        ];
        assert_eq!(drop_repeats(&mut drawings), 1);
        assert_eq!(keys(&drawings), ["a", "c", "d"]);
    }

    #[test]
    fn a_test_drawing_known_from_training_goes_only_for_its_own_concept() {
        let train = [flat("a", "sun", 10)];
        let mut test = vec![flat("x", "sun", 11), flat("y", "moon", 11)];
        assert_eq!(drop_known(&mut test, &train), 1);
        assert_eq!(keys(&test), ["y"]);
    }

    #[test]
    fn likeness_is_counted_per_test_drawing() {
        let train = [flat("a", "sun", 10), flat("b", "sun", 11), flat("c", "moon", 100)];
        let overlap = measure(&train, &[flat("x", "sun", 13)]);
        assert_eq!(
            overlap.same_concept,
            Alike { hash_within_2: 1, hash_within_4: 1, pixels_within_4: 1 }
        );
        assert_eq!(overlap.other_concept.pixels_within_4, 0);
    }

    #[test]
    fn twins_are_equal_test_drawings_of_different_concepts() {
        let test = [flat("x", "sun", 10), flat("y", "moon", 11), flat("z", "star", 200)];
        assert_eq!(measure(&[], &test).twins_in_test, 2);
    }
}
