//! Everything that is gathered, sample by sample.

use serde::Serialize;

use super::captions::{CaptionCounter, CaptionStatistics};
use super::concepts::{ConceptCounter, ConceptStatistics};
use super::config::StatisticsConfig;
use super::distribution::Distribution;
use super::faults::{FaultCount, FaultCounter};
use super::images::{Header, ImageCounter, ImageStatistics};
use super::picks::{Pick, Picks};
use super::ranking::{Ranking, RankingCounter};
use crate::decode::image_member;
use crate::{Cause, Fault, RawSample, SampleText};

/// What a corpus is made of.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Statistics {
    /// All samples, usable or not, as far as they could be told apart.
    pub samples: u64,
    /// Samples with an image whose header can be read and a caption.
    pub usable: u64,
    /// Bytes in all members that were read.
    pub bytes: u64,
    /// Its shards.
    pub parts: PartStatistics,
    /// Faults by cause; a sample may have two.
    pub faults: Vec<FaultCount>,
    /// Members by extension.
    pub members: Ranking,
    /// Images, of all samples with a readable one.
    pub images: ImageStatistics,
    /// Captions, of all samples with one.
    pub captions: CaptionStatistics,
    /// Concepts, of all samples with a caption and a concept.
    pub concepts: ConceptStatistics,
    /// Samples with a readable image, picked at random, in random order.
    #[serde(skip)]
    pub picks: Vec<Pick>,
}

/// The parts of a corpus: its shards, or runs of files.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct PartStatistics {
    /// Samples a part.
    pub samples: Distribution,
    /// Bytes a part, in the members that were read.
    pub bytes: Distribution,
}

/// Gathers the statistics of a part, or of all parts before a place.
pub(super) struct Gatherer<'a> {
    config: &'a StatisticsConfig,
    /// The number of the part, for [`Picks`].
    part: u64,
    samples: u64,
    usable: u64,
    bytes: u64,
    parts: PartStatistics,
    faults: FaultCounter,
    members: RankingCounter,
    images: ImageCounter,
    captions: CaptionCounter,
    concepts: ConceptCounter,
    picks: Picks,
}

impl<'a> Gatherer<'a> {
    pub fn new(config: &'a StatisticsConfig, part: u64) -> Self {
        Self {
            config,
            part,
            samples: 0,
            usable: 0,
            bytes: 0,
            parts: PartStatistics::default(),
            faults: FaultCounter::default(),
            members: RankingCounter::new(config.max_ranked),
            images: ImageCounter::new(config),
            captions: CaptionCounter::new(config),
            concepts: ConceptCounter::new(config),
            picks: Picks::new(config),
        }
    }

    pub fn add(&mut self, sample: Result<RawSample, Fault>) {
        match sample {
            Ok(sample) => self.add_sample(sample),
            Err(fault) => {
                let whole_shard = matches!(fault.cause, Cause::BrokenShard | Cause::SourceFailed);
                self.samples += u64::from(!whole_shard);
                self.faults.add(&fault);
            }
        }
    }

    /// Adds a part that is complete; parts come in order.
    pub fn merge(&mut self, part: Self) {
        self.parts.samples.add(part.samples);
        self.parts.bytes.add(part.bytes);
        self.samples += part.samples;
        self.usable += part.usable;
        self.bytes += part.bytes;
        self.faults.merge(part.faults);
        self.members.merge(part.members);
        self.images.merge(part.images);
        self.captions.merge(part.captions);
        self.concepts.merge(part.concepts);
        self.picks.merge(part.picks);
    }

    pub fn finish(self) -> Statistics {
        let top = self.config.top;
        Statistics {
            samples: self.samples,
            usable: self.usable,
            bytes: self.bytes,
            parts: self.parts,
            faults: self.faults.finish(),
            members: self.members.finish(top),
            images: self.images.finish(top),
            captions: self.captions.finish(top),
            concepts: self.concepts.finish(top),
            picks: self.picks.finish(),
        }
    }

    fn add_sample(&mut self, sample: RawSample) {
        self.samples += 1;
        self.bytes += sample.size();
        sample.members.iter().for_each(|(extension, _)| self.members.add(extension));
        let caption = self.add_text(&sample);
        match read_image(&sample, self.config.max_pixels) {
            Ok((header, bytes)) => {
                self.usable += u64::from(caption.is_some());
                self.images.add(&header, bytes);
                let pick = || Pick {
                    key: sample.key.clone(),
                    shard: sample.shard.clone(),
                    caption,
                    image: bytes.to_vec(),
                };
                self.picks.offer([self.part, self.samples], pick);
            }
            Err(fault) => self.faults.add(&fault),
        }
    }

    /// Counts the sample's text and returns its caption.
    fn add_text(&mut self, sample: &RawSample) -> Option<String> {
        match SampleText::read(sample, &self.config.fields) {
            Ok(text) => {
                self.captions.add(&text.captions);
                if let Some(concept) = &text.concept {
                    self.concepts.add(concept);
                }
                Some(text.captions.main().to_owned())
            }
            Err(fault) => {
                self.captions.add_none(sample.member("txt").is_some());
                self.faults.add(&fault);
                None
            }
        }
    }
}

fn read_image(sample: &RawSample, max_pixels: u64) -> Result<(Header, &[u8]), Fault> {
    let bytes = image_member(sample)?;
    match Header::read(bytes, max_pixels) {
        Ok(header) => Ok((header, bytes)),
        Err(problem) => Err(sample.fault(problem.cause(), problem.to_string())),
    }
}
