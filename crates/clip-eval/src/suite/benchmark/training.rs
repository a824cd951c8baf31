//! The images that a model learned from, to be found among those that it is measured on.

use std::fs;
use std::sync::OnceLock;

use clip_data::{
    DEFAULT_MAX_MEMBER_BYTES, DEFAULT_MAX_PIXELS, DataError, LabelledImages, Location, Print,
    ShardOpener, ShardReader, decode_sample, expand_shards, on_white,
};
use image::DynamicImage;
use rayon::prelude::*;

use super::super::npy::write_whole;
use super::super::{FeatureError, NpyError};
use super::kept::identity;
use super::{Benchmark, BenchmarkEvent, MeasureError};

/// What is told of while they are read.
const TRAINING: &str = "shards of training images";

/// Training images as they look, once they are asked for.
#[derive(Default)]
pub(super) struct TrainingImages {
    prints: OnceLock<Vec<Print>>,
}

impl Benchmark<'_> {
    /// For each image whether it is among the training images: kept, or found now.
    pub(super) fn overlapping(
        &self,
        dataset: &str,
        images: &dyn LabelledImages,
    ) -> Result<Vec<bool>, MeasureError> {
        let shards = expand_shards(&self.config.training)?;
        let known = shards.iter().map(|shard| {
            let name = shard.to_string();
            let about = fs::metadata(&name).ok();
            (name, about.map(|about| (about.len(), about.modified().ok())))
        });
        let of = identity(&(known.collect::<Vec<_>>(), images.labels()));
        let path = self.config.out.join("overlap").join(format!("{dataset}-{of:016x}.json"));
        let kept = fs::read(&path).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok());
        if let Some(kept) = kept.filter(|kept: &Vec<bool>| kept.len() == images.len()) {
            return Ok(kept);
        }
        let training = match self.training.prints.get() {
            Some(prints) => prints,
            None => {
                let prints = self.training_prints(&shards)?;
                self.training.prints.get_or_init(|| prints)
            }
        };
        let found = (0..images.len()).into_par_iter().map(|index| {
            let print = print(&images.image(index)?);
            Ok(training.iter().any(|seen| seen.is_same(&print)))
        });
        let found = found.collect::<Result<Vec<bool>, DataError>>()?;
        let bytes = serde_json::to_vec(&found).unwrap_or_default();
        write_whole(&path, &bytes)
            .map_err(|source| FeatureError::Npy(NpyError::Write { path, source }))?;
        Ok(found)
    }

    /// How every image of the shards looks that can be decoded.
    fn training_prints(&self, shards: &[Location]) -> Result<Vec<Print>, DataError> {
        let (mut prints, total) = (Vec::new(), shards.len());
        let tell = |done| (self.tell)(BenchmarkEvent::Working { part: TRAINING, done, total });
        for (number, some) in shards.chunks(rayon::current_num_threads()).enumerate() {
            tell(number * rayon::current_num_threads());
            let some = some.par_iter().map(prints_of);
            prints.extend(some.collect::<Result<Vec<_>, DataError>>()?.concat());
        }
        tell(total);
        Ok(prints)
    }
}

fn prints_of(shard: &Location) -> Result<Vec<Print>, DataError> {
    let mut prints = Vec::new();
    for sample in ShardReader::open(shard, &ShardOpener::default(), DEFAULT_MAX_MEMBER_BYTES)? {
        // A sample that can't be read was not learned from either.
        let image = sample.and_then(|sample| decode_sample(&sample, DEFAULT_MAX_PIXELS));
        prints.extend(image.ok().map(|image| print(&image)));
    }
    Ok(prints)
}

/// On white, for what is transparent has no colour of its own.
fn print(image: &DynamicImage) -> Print {
    match image.color().has_alpha() {
        true => Print::of(&on_white(&image.to_rgba8())),
        false => Print::of(&image.to_rgb8()),
    }
}
