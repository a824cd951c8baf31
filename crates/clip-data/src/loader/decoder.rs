//! The threads that turn raw samples into pairs.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender};

use clip_model::Tokenizer;

use super::LoaderConfig;
use super::item::{Item, Outcome, Pair, Place, Raw, Work};
use crate::{Cause, Fault, PairSource, RawPair, Stream, ViewMaker, sample_rng};

/// Decodes, augments, captions and tokenises, in the order of its input.
#[derive(Clone)]
pub(super) struct Decoder {
    pub config: Arc<LoaderConfig>,
    pub tokenizer: Arc<Tokenizer>,
    /// What indices are of.
    pub pairs: Option<Arc<dyn PairSource>>,
}

impl Decoder {
    /// Works until either side hangs up.
    pub(super) fn run(self, input: Receiver<Work>, output: SyncSender<Outcome>) {
        let mut views = self.views();
        for work in input {
            let outcome = match work {
                Item::Sample(place, raw) => match self.decode_unharmed(place, &raw, &mut views) {
                    Ok(pair) => Item::Sample(place, pair),
                    Err(fault) => Item::Fault(place, fault),
                },
                Item::Fault(place, fault) => Item::Fault(place, fault),
                Item::EpochEnd => Item::EpochEnd,
                Item::Failed(error) => Item::Failed(error),
            };
            if output.send(outcome).is_err() {
                return;
            }
        }
    }

    /// A decoder that panics on hostile bytes costs one sample, not the run.
    fn decode_unharmed(
        &self,
        place: Place,
        raw: &Raw,
        views: &mut ViewMaker,
    ) -> Result<Pair, Fault> {
        catch_unwind(AssertUnwindSafe(|| self.decode(place, raw, views))).unwrap_or_else(|_| {
            *views = self.views();
            let (shard, key) = self.name(raw);
            let reason = "the image decoder panicked on it".to_owned();
            Err(Fault { cause: Cause::Undecodable, shard, key, reason })
        })
    }

    fn views(&self) -> ViewMaker {
        ViewMaker::new(self.config.transform.clone(), self.config.options.max_pixels)
    }

    /// Where the sample comes from, and its key.
    fn name(&self, raw: &Raw) -> (String, String) {
        match (raw, &self.pairs) {
            (Raw::Sample(sample), _) => (sample.shard.to_string(), sample.key.clone()),
            (Raw::Index(index), Some(pairs)) => (pairs.name().to_owned(), index.to_string()),
            (Raw::Index(index), None) => (String::new(), index.to_string()),
        }
    }

    fn decode(&self, place: Place, raw: &Raw, views: &mut ViewMaker) -> Result<Pair, Fault> {
        let config = &self.config;
        let rng = |stream| sample_rng(config.seed, place.epoch, place.index, stream);
        let pair = self.raw_pair(raw)?;
        let image = views.view(pair.image, &mut rng(Stream::Augment)).map_err(|problem| {
            let (shard, _) = self.name(raw);
            let (cause, key, reason) = (problem.cause(), pair.key.clone(), problem.to_string());
            Fault { cause, shard, key, reason }
        })?;
        let caption = config.captions.draw(&pair.captions, &mut rng(Stream::Caption));
        Ok(Pair {
            key: pair.key,
            concept: pair.concept,
            image,
            tokens: self.tokenizer.encode(&caption),
        })
    }

    /// Applies the caption filter, which not every source of pairs knows.
    fn filtered(&self, pair: RawPair, source: &str) -> Result<RawPair, Fault> {
        let RawPair { key, image, captions, concept } = pair;
        match self.config.captions.filter.keep(captions) {
            Ok(captions) => Ok(RawPair { key, image, captions, concept }),
            Err(reason) => {
                let shard = source.to_owned();
                Err(Fault { cause: Cause::Filtered, shard, key, reason })
            }
        }
    }

    fn raw_pair(&self, raw: &Raw) -> Result<RawPair, Fault> {
        match (raw, &self.pairs) {
            (Raw::Sample(sample), _) => RawPair::of_sample(sample, &self.config.captions),
            (Raw::Index(index), Some(pairs)) => self.filtered(pairs.get(*index)?, pairs.name()),
            (Raw::Index(_), None) => {
                let (shard, key) = self.name(raw);
                let reason = "there is no source to get it from".to_owned();
                Err(Fault { cause: Cause::SourceFailed, shard, key, reason })
            }
        }
    }
}
