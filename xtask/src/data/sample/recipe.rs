//! `recipe.json`: what the corpus was made of and what came out.

use serde::Serialize;

use crate::data::emoji::Credit;
use crate::data::picture::png;

use super::catalog::{Artist, SEED, Split};
use super::drawing::by_concept;
use super::overlap::Overlap;
use super::shard::{Shard, ShardRecord};
use super::{Corpus, Inputs, SampleArgs};

/// Everything needed to make the corpus again and to see that it is the same.
#[derive(Serialize)]
pub struct Recipe {
    /// Side of the square images in pixels.
    pub image_side: u32,
    /// File name extension of the images.
    pub image_format: &'static str,
    /// Seed of the order of the samples.
    pub seed: u64,
    /// Concepts with at least one training drawing.
    pub train_concepts: usize,
    /// Concepts with a test drawing: the classes of zero-shot evaluation.
    pub test_concepts: usize,
    /// Drawings per artist.
    pub artists: Vec<ArtistRecord>,
    /// What training and test drawings share.
    pub overlap: Overlap,
    /// Shard files.
    pub shards: Vec<ShardRecord>,
    /// Packages it was made from.
    pub packages: Vec<PackageRecord>,
}

/// One artist's part.
#[derive(Clone, Serialize)]
pub struct ArtistRecord {
    /// Name of the set.
    pub name: &'static str,
    /// `train` or `test`.
    pub split: &'static str,
    /// The author's name.
    pub author: String,
    /// Address of the author's project.
    pub project: String,
    /// SPDX licence.
    pub licence: String,
    /// Drawings in the corpus.
    pub drawings: usize,
    /// Drawings left out because a training drawing of the concept looks the same.
    pub repeats_dropped: usize,
}

impl ArtistRecord {
    /// The record of an artist of which `drawings` were kept and `repeats_dropped` were not.
    pub fn new(artist: &Artist, credit: &Credit, drawings: usize, repeats_dropped: usize) -> Self {
        let Credit { author, project, licence } = credit.clone();
        Self {
            name: artist.name,
            split: artist.split.name(),
            author,
            project,
            licence,
            drawings,
            repeats_dropped,
        }
    }
}

/// One package.
#[derive(Serialize)]
pub struct PackageRecord {
    name: &'static str,
    version: &'static str,
    licence: String,
    bytes: u64,
}

impl Recipe {
    /// Sums up a finished corpus.
    pub fn new(args: &SampleArgs, inputs: &Inputs, corpus: &Corpus, shards: &[Shard]) -> Self {
        let packages = inputs.packages.iter().map(|package| PackageRecord {
            name: package.id.name,
            version: package.id.version,
            licence: package.licence.clone(),
            bytes: package.bytes,
        });
        Self {
            image_side: args.size,
            image_format: png::EXTENSION,
            seed: SEED,
            train_concepts: by_concept(&corpus.train).len(),
            test_concepts: by_concept(&corpus.test).len(),
            artists: corpus.artists.clone(),
            overlap: corpus.overlap.clone(),
            shards: shards.iter().map(|shard| shard.record.clone()).collect(),
            packages: packages.collect(),
        }
    }

    /// Size of all shards in bytes.
    pub fn bytes(&self) -> u64 {
        self.shards.iter().map(|shard| shard.bytes).sum()
    }

    /// Drawings in a split.
    pub fn drawings(&self, split: Split) -> usize {
        let artists = self.artists.iter().filter(|artist| artist.split == split.name());
        artists.map(|artist| artist.drawings).sum()
    }

    /// Shards of a split.
    pub fn shards_of(&self, split: Split) -> usize {
        self.shards.iter().filter(|shard| shard.file.starts_with(split.name())).count()
    }
}
