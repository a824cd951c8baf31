use clip_data::PlacedImages;
use clip_model::Pretrained;

use super::super::model::projected;
use super::super::{Features, Outcome};
use super::encoder::Encoder;
use super::kept::identity;
use super::{Benchmark, BenchmarkError, MeasureError};
use crate::{Dataset, Source, geolocation};

impl Benchmark<'_> {
    /// Images are placed where the most similar reference image was taken.
    pub(super) fn geolocation(
        &mut self,
        encoder: &Encoder<'_>,
        clip: &Pretrained,
        dataset: &'static Dataset,
    ) -> Result<(), BenchmarkError> {
        let opened = dataset.open_places(&self.config.data, self.config.any_count);
        let Some((test, reference)) = self.there(encoder, dataset, opened) else { return Ok(()) };
        let of = identity(&(labels(&test), labels(&reference)));
        self.kept(encoder, dataset, ("geolocation", of), |benchmark| {
            let encoded = |part: &str, set: &PlacedImages| -> Result<Features, MeasureError> {
                let get = |index| set.image(index);
                Ok(benchmark.encoded(encoder, clip, (dataset, part), &labels(set), get)?)
            };
            let (images, _) = projected(clip, &encoded("test", &test)?.features);
            let (references, _) = projected(clip, &encoded("reference", &reference)?.features);
            let source = Source { step: 0, dataset: &dataset.name };
            let known = (&references, reference.places());
            let evaluations = geolocation(source, (&images, test.places()), known);
            Ok(Some(Outcome::unpublished(&encoder.name, evaluations)))
        })?;
        Ok(())
    }
}

/// What tells images from others: their names and places.
fn labels(set: &PlacedImages) -> Vec<usize> {
    let named = set.files().iter().zip(set.places());
    let label = named.map(|(file, place)| {
        let place = (place.latitude.to_bits(), place.longitude.to_bits());
        identity(&(file.file_name(), place)) as usize
    });
    label.collect()
}
