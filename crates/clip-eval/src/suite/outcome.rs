//! What was measured of one model on one data set, kept so that a run can go on.

use std::fs;
use std::io;
use std::path::PathBuf;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use clip_data::{DataError, LabelledImages};
use clip_model::preprocess::eight_bit_rgb;
use image::ImageFormat;
use serde::{Deserialize, Serialize};

use super::Row;
use super::npy::write_whole;
use crate::confusion::NUMBERED;
use crate::{ClassResult, ConfusionMatrix, Evaluation, Prediction, expected_calibration_error};

/// Classes that are named as the hardest.
const HARDEST: usize = 5;

/// Images that are shown.
const EXAMPLES: usize = 8;

/// Side that shown images are scaled down to, in pixels.
const THUMBNAIL: u32 = 96;

/// What a task gave.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// Its results.
    pub rows: Vec<Row>,
    /// What is behind them.
    pub details: Option<Details>,
    /// The class that each image was named, where there is one task of naming.
    pub guesses: Vec<usize>,
}

/// What is behind a zero-shot result.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Details {
    /// The classes that are recognised least often, with what they are taken for.
    pub hardest: Vec<ClassResult>,
    /// Images at equal distances, so that nobody chose them.
    pub examples: Vec<Shown>,
    /// How far confidence is from accuracy; see [`expected_calibration_error`].
    pub calibration_error: f64,
    /// Which classes are taken for which, where there are at most 20. Outcomes that were kept before
    /// there was this have nothing.
    #[serde(default)]
    pub confusion: Option<ConfusionMatrix>,
}

/// An image with what was said about it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Shown {
    /// A PNG file in Base64.
    pub png: String,
    /// Its class.
    pub truth: String,
    /// The likeliest class.
    pub guess: String,
    /// That one's probability.
    pub probability: f32,
}

impl Outcome {
    /// Results with nothing behind them.
    pub fn of(rows: Vec<Row>) -> Self {
        Self { rows, details: None, guesses: Vec::new() }
    }

    /// Results of a model that nobody has published.
    pub fn unpublished(model: &str, evaluations: Vec<Evaluation>) -> Self {
        let row = |evaluation| Row { model: model.to_owned(), evaluation, published: None };
        Self::of(evaluations.into_iter().map(row).collect())
    }
}

impl Details {
    /// Of the predictions for all images of a set, whose classes have these names.
    ///
    /// # Errors
    ///
    /// When an image can't be read.
    pub fn of(
        images: &dyn LabelledImages,
        predictions: &[Prediction],
        names: &[String],
    ) -> Result<Self, DataError> {
        let confusion = ConfusionMatrix::new(predictions, names);
        let mut classes = confusion.per_class();
        classes.retain(|class| class.n > 0);
        classes.sort_by(|a, b| a.top1.total_cmp(&b.top1));
        classes.truncate(HARDEST);
        let stride = (predictions.len() / EXAMPLES).max(1);
        let shown = (stride / 2..predictions.len()).step_by(stride).take(EXAMPLES).map(|index| {
            let prediction = &predictions[index];
            let (guess, probability) = prediction.guesses.first().copied().unwrap_or_default();
            let image = images.image(index)?;
            let image = image::DynamicImage::from(eight_bit_rgb(&image));
            let large = image.width().max(image.height()) > THUMBNAIL;
            let image = if large { image.thumbnail(THUMBNAIL, THUMBNAIL) } else { image };
            let mut png = io::Cursor::new(Vec::new());
            // Eight-bit RGB into memory: there is nothing that could fail.
            image.write_to(&mut png, ImageFormat::Png).ok();
            Ok(Shown {
                png: BASE64_STANDARD.encode(png.into_inner()),
                truth: names[prediction.label].clone(),
                guess: names[guess].clone(),
                probability,
            })
        });
        Ok(Self {
            hardest: classes,
            examples: shown.collect::<Result<_, DataError>>()?,
            calibration_error: expected_calibration_error(predictions),
            confusion: (names.len() <= NUMBERED).then_some(confusion),
        })
    }
}

/// A folder of outcomes.
pub struct OutcomeStore {
    folder: PathBuf,
}

impl OutcomeStore {
    /// Outcomes in `folder`, which need not be there yet.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into() }
    }

    /// The outcome that is there under a key, if it is whole.
    pub fn get(&self, key: &str) -> Option<Outcome> {
        serde_json::from_slice(&fs::read(self.path(key)).ok()?).ok()
    }

    /// Keeps an outcome.
    ///
    /// # Errors
    ///
    /// When it can't be written.
    pub fn put(&self, key: &str, outcome: &Outcome) -> io::Result<()> {
        write_whole(&self.path(key), &serde_json::to_vec(outcome)?)
    }

    /// The file of a key.
    pub(super) fn path(&self, key: &str) -> PathBuf {
        self.folder.join(format!("{key}.json"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outcome_of_before_there_were_matrices_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let details = r#"{"hardest":[],"examples":[],"calibration_error":0.5}"#;
        let old = format!(r#"{{"rows":[],"details":{details},"guesses":[1]}}"#);
        fs::write(folder.path().join("mnist.json"), old).unwrap();
        let store = OutcomeStore::new(folder.path());
        let mut outcome = store.get("mnist").unwrap();
        let details = outcome.details.as_mut().unwrap();
        assert_eq!((details.calibration_error, &details.confusion), (0.5, &None));
        let names = ["cat", "dog"].map(str::to_owned);
        let taken = Prediction { label: 0, rank: 1, guesses: vec![(1, 0.9)] };
        details.confusion = Some(ConfusionMatrix::new(&[taken], &names));
        store.put("mnist", &outcome).unwrap();
        assert_eq!(store.get("mnist"), Some(outcome));
    }
}
