//! What a model may have learned by heart (paper, section 5).

use std::io;
use std::path::Path;

use super::npy::write_whole;
use crate::{binomial_at_least, clopper_pearson};

/// The paper's, for each data set's own images among dozens of data sets.
const CONFIDENCE: f64 = 0.995;

/// How a model names the images of a test set that are among its training images, and the others.
#[derive(Clone, Debug, PartialEq)]
pub struct Overlap {
    /// The model.
    pub model: String,
    /// The data set.
    pub dataset: String,
    /// Images to measure on.
    pub images: usize,
    /// Those of them that are among the training images.
    pub overlapping: usize,
    /// Top-1 of all images.
    pub all: f64,
    /// Top-1 of those that are not among the training images; NaN if all are.
    pub clean: f64,
    /// Top-1 of those that are; NaN if none is.
    pub overlap: f64,
    /// Clopper and Pearson's 99.5% interval of that one.
    pub interval: (f64, f64),
    /// How likely so many of those that are would be named, or more, if they were named as often as
    /// the others (binomial, one-sided).
    pub p_value: f64,
}

impl Overlap {
    /// Of what each image was named, and whether it is among the training images.
    pub fn of(
        (model, dataset): (&str, &str),
        guesses: &[usize],
        labels: &[usize],
        is_overlapping: &[bool],
    ) -> Self {
        let count = |wanted: bool| {
            let hits = guesses.iter().zip(labels).zip(is_overlapping);
            let of_them = hits.filter(|(_, overlaps)| **overlaps == wanted);
            of_them.fold((0, 0), |(hits, n), ((guess, label), _)| {
                (hits + usize::from(guess == label), n + 1)
            })
        };
        let ((clean_hits, clean), (hits, overlapping)) = (count(false), count(true));
        let share = |hits: usize, n: usize| hits as f64 / n as f64;
        let clean_share = share(clean_hits, clean);
        // Without others there is nothing to be more than.
        let expected = if clean == 0 { 1.0 } else { clean_share };
        Self {
            model: model.into(),
            dataset: dataset.into(),
            images: clean + overlapping,
            overlapping,
            all: share(clean_hits + hits, clean + overlapping),
            clean: clean_share,
            overlap: share(hits, overlapping),
            interval: clopper_pearson(hits, overlapping, CONFIDENCE),
            p_value: binomial_at_least(hits, overlapping, expected),
        }
    }

    /// What the overlap adds to the result.
    pub fn gain(&self) -> f64 {
        self.all - self.clean
    }
}

/// Writes `overlap.csv` in a folder, if there is anything to write.
///
/// # Errors
///
/// When the file can't be written.
pub(super) fn write_overlaps(folder: &Path, overlaps: &[Overlap]) -> io::Result<()> {
    if overlaps.is_empty() {
        return Ok(());
    }
    let mut table = csv::Writer::from_writer(Vec::new());
    table.write_record([
        "model",
        "dataset",
        "images",
        "overlapping",
        "all",
        "clean",
        "overlap",
        "low",
        "high",
        "p_value",
    ])?;
    for o in overlaps {
        let numbers = [o.all, o.clean, o.overlap, o.interval.0, o.interval.1, o.p_value];
        let numbers =
            numbers.map(|value| if value.is_nan() { String::new() } else { value.to_string() });
        let counts = [o.images.to_string(), o.overlapping.to_string()];
        let names = [o.model.clone(), o.dataset.clone()];
        table.write_record(names.iter().chain(&counts).chain(&numbers))?;
    }
    let bytes = table.into_inner().map_err(|error| io::Error::other(error.to_string()))?;
    write_whole(&folder.join("overlap.csv"), &bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_among_the_training_images_count_apart() {
        // Of six clean images three are named; of four that overlap all are.
        let guesses = [0, 0, 0, 1, 1, 1, 2, 2, 2, 2];
        let labels = [0, 0, 0, 0, 0, 0, 2, 2, 2, 2];
        let overlaps = [false, false, false, false, false, false, true, true, true, true];
        let found = Overlap::of(("a", "mnist"), &guesses, &labels, &overlaps);
        assert_eq!((found.images, found.overlapping), (10, 4));
        assert_eq!((found.all, found.clean, found.overlap), (0.7, 0.5, 1.0));
        assert!((found.p_value - 0.0625).abs() < 1e-12 && (found.gain() - 0.2).abs() < 1e-12);
        assert!(found.interval.0 < 0.5 && found.interval.1 == 1.0);
    }

    #[test]
    fn a_clean_test_set_gains_nothing() {
        let found = Overlap::of(("a", "mnist"), &[0, 1], &[0, 0], &[false, false]);
        assert_eq!((found.gain(), found.p_value, found.overlapping), (0.0, 1.0, 0));
        assert!(found.overlap.is_nan());
        let all = Overlap::of(("a", "mnist"), &[0, 1], &[0, 0], &[true, true]);
        assert!(all.clean.is_nan() && all.overlap == 0.5 && all.p_value == 1.0);
        let folder = tempfile::tempdir().unwrap();
        write_overlaps(folder.path(), &[]).unwrap();
        assert!(!folder.path().join("overlap.csv").exists());
        write_overlaps(folder.path(), &[found]).unwrap();
        let table = std::fs::read_to_string(folder.path().join("overlap.csv")).unwrap();
        assert!(table.ends_with("a,mnist,2,0,0.5,0.5,,0,1,1\n"), "{table}");
    }
}
