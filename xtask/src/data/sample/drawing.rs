//! Drawings: one artist's picture of one concept.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use clip_data::{DifferenceHash, on_white};
use image::{RgbImage, RgbaImage};

use super::catalog::Artist;
use crate::data::emoji::{IconSet, Joined};
use crate::data::picture;

/// One artist's picture of one concept.
#[derive(Clone)]
pub struct Drawing {
    /// Unique name in the corpus: artist, concept, and a number from the second picture on.
    pub key: String,
    /// Identifier of the concept.
    pub concept: String,
    /// Who drew it.
    pub artist: Artist,
    /// Straight colours on a transparent background.
    pub image: RgbaImage,
    /// The picture on white, which is what drawings are compared by.
    pub on_white: RgbImage,
    /// Difference hash of the picture on white.
    pub hash: DifferenceHash,
}

impl Drawing {
    /// A drawing of an image.
    pub fn new(key: String, concept: &str, artist: Artist, image: RgbaImage) -> Self {
        let on_white = on_white(&image);
        let hash = DifferenceHash::of(&on_white);
        Self { key, concept: concept.to_owned(), artist, image, on_white, hash }
    }
}

/// Renders the joined icons of a set in `side` pixels square.
pub fn draw(artist: Artist, set: &IconSet, joined: &Joined, side: u32) -> Result<Vec<Drawing>> {
    let mut drawings = Vec::new();
    for (concept, icons) in joined {
        for (number, icon) in icons.iter().enumerate() {
            let image = picture::render(&set.svg(icon)?, side)
                .with_context(|| format!("cannot draw {icon} of {}", artist.name))?;
            let key = key(artist.name, concept, number);
            drawings.push(Drawing::new(key, concept, artist, image));
        }
    }
    Ok(drawings)
}

fn key(artist: &str, concept: &str, number: usize) -> String {
    match number {
        0 => format!("{artist}-{concept}"),
        _ => format!("{artist}-{concept}-{}", number + 1),
    }
}

/// Drawings by the concept they show.
pub fn by_concept(drawings: &[Drawing]) -> BTreeMap<&str, Vec<&Drawing>> {
    let mut by_concept: BTreeMap<&str, Vec<&Drawing>> = BTreeMap::new();
    for drawing in drawings {
        by_concept.entry(&drawing.concept).or_default().push(drawing);
    }
    by_concept
}
