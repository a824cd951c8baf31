//! `report.json`: what the corpus was made of and what came out.

use std::collections::BTreeMap;

use clip_data::IndexedShard;
use serde::Serialize;

use crate::data::npm::Package;

use super::catalog::{SEED, Tier};
use super::draw::{Drawing, Failure};
use super::sets::About;
use super::split::{self, Removed, SplitOverlap};
use super::wanted::{LeftOut, Split};

/// Everything needed to make the corpus again and to see that it is the same.
#[derive(Debug, Serialize)]
pub struct Report {
    /// `s`, `m` or `l`.
    pub tier: &'static str,
    /// Side of the square images in pixels.
    pub image_side: u32,
    /// Seed of all choices.
    pub seed: u64,
    /// What each split holds.
    pub splits: Vec<SplitRecord>,
    /// Drawings removed when compared.
    pub removed: Removed,
    /// What the other splits have in common with training.
    pub overlap: Vec<SplitOverlap>,
    /// Held-out concepts: code points and name.
    pub held_out: BTreeMap<String, String>,
    /// Emoji in no split for being variants of those.
    pub held_out_variants: usize,
    /// Sets that were drawn.
    pub sets: Vec<SetRecord>,
    /// Sets that were not, with the reason.
    pub sets_left_out: BTreeMap<String, String>,
    /// Icons that could not be drawn.
    pub failures: Vec<Failure>,
    /// Packages it was made from.
    pub packages: Vec<PackageRecord>,
    /// Shard files.
    pub shards: Vec<IndexedShard>,
}

/// One split.
#[derive(Debug, Serialize)]
pub struct SplitRecord {
    /// Prefix of the shard files.
    pub name: &'static str,
    /// Drawings.
    pub drawings: usize,
    /// Different concepts.
    pub concepts: usize,
}

/// One set.
#[derive(Debug, Serialize)]
pub struct SetRecord {
    /// Name of the set, `artist` in the samples.
    pub name: String,
    /// Its full name.
    pub title: String,
    /// The author's name.
    pub author: String,
    /// Address of the author's project.
    pub project: String,
    /// SPDX licence.
    pub licence: String,
    /// Drawings by split, those that are none left out.
    pub drawings: BTreeMap<&'static str, usize>,
    /// Icons that are not drawn.
    pub left_out: LeftOut,
}

impl SetRecord {
    /// A record without drawings.
    pub fn new(name: &str, about: &About, left_out: LeftOut) -> Self {
        Self {
            name: name.to_owned(),
            title: about.title.clone(),
            author: about.credit.author.clone(),
            project: about.credit.project.clone(),
            licence: about.credit.licence.clone(),
            drawings: BTreeMap::new(),
            left_out,
        }
    }
}

/// One package.
#[derive(Debug, Serialize)]
pub struct PackageRecord {
    /// Name in the registry.
    pub name: &'static str,
    /// Exact version.
    pub version: &'static str,
    /// SPDX licence of what is not a set.
    pub licence: String,
    /// Size of the package file in bytes.
    pub bytes: u64,
}

impl PackageRecord {
    /// The record of a package.
    pub fn new(package: &Package) -> Self {
        Self {
            name: package.id.name,
            version: package.id.version,
            licence: package.licence.clone(),
            bytes: package.bytes,
        }
    }
}

impl Report {
    /// A report of `drawings` without shards and held-out concepts.
    pub fn new(
        tier: Tier,
        image_side: u32,
        drawings: &[Drawing],
        mut sets: Vec<SetRecord>,
    ) -> Self {
        for set in &mut sets {
            for drawing in drawings.iter().filter(|drawing| drawing.set == set.name) {
                *set.drawings.entry(drawing.split.name()).or_default() += 1;
            }
        }
        let splits = Split::ALL.into_iter().map(|split| SplitRecord {
            name: split.name(),
            drawings: drawings.iter().filter(|drawing| drawing.split == split).count(),
            concepts: split::concepts(drawings, split),
        });
        Self {
            tier: tier.name(),
            image_side,
            seed: SEED,
            splits: splits.collect(),
            removed: Removed::default(),
            overlap: Vec::new(),
            held_out: BTreeMap::new(),
            held_out_variants: 0,
            sets,
            sets_left_out: BTreeMap::new(),
            failures: Vec::new(),
            packages: Vec::new(),
            shards: Vec::new(),
        }
    }

    /// Size of all shards in bytes.
    pub fn bytes(&self) -> u64 {
        self.shards.iter().map(|shard| shard.bytes).sum()
    }
}
