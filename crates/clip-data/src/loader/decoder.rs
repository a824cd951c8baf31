//! The threads that turn raw samples into pairs.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender};

use clip_model::Tokenizer;

use super::LoaderConfig;
use super::item::{Item, Outcome, Pair, Place, Raw, Work};
use crate::{Cause, Fault, RawSample, SampleText, Stream, decode_sample, sample_rng};

/// Decodes, augments, captions and tokenises, in the order of its input.
pub(super) struct Decoder {
    pub config: Arc<LoaderConfig>,
    pub tokenizer: Arc<Tokenizer>,
}

impl Decoder {
    /// Works until either side hangs up.
    pub(super) fn run(self, input: Receiver<Work>, output: SyncSender<Outcome>) {
        for work in input {
            let outcome = match work {
                Item::Sample(_, Raw::Index(_)) => return,
                Item::Sample(place, Raw::Sample(sample)) => {
                    match self.decode_unharmed(place, &sample) {
                        Ok(pair) => Item::Sample(place, pair),
                        Err(fault) => Item::Fault(place, fault),
                    }
                }
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
    fn decode_unharmed(&self, place: Place, sample: &RawSample) -> Result<Pair, Fault> {
        catch_unwind(AssertUnwindSafe(|| self.decode(place, sample))).unwrap_or_else(|_| {
            Err(sample.fault(Cause::Undecodable, "the image decoder panicked on it"))
        })
    }

    fn decode(&self, place: Place, sample: &RawSample) -> Result<Pair, Fault> {
        let config = &self.config;
        let rng = |stream| sample_rng(config.seed, place.epoch, place.index, stream);
        let text = SampleText::read(sample, &config.captions.fields)?;
        let image = decode_sample(sample, config.options.max_pixels)?;
        let caption = config.captions.draw(&text.captions, &mut rng(Stream::Caption));
        Ok(Pair {
            key: sample.key.clone(),
            concept: text.concept,
            image: config.transform.apply(&image, &mut rng(Stream::Augment)).into_raw(),
            tokens: self.tokenizer.encode(&caption),
        })
    }
}
