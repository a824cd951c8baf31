use image::RgbImage;
use image::imageops::{self, FilterType};

use super::{DifferenceHash, mean_difference};

/// Side of the thumbnails.
const SIDE: u32 = 16;

/// The difference hash and a small copy of a picture: under a kilobyte.
#[derive(Clone, Debug, PartialEq)]
pub struct Print {
    hash: DifferenceHash,
    small: RgbImage,
}

impl Print {
    /// Pictures whose small copies differ by less, in steps of 1/255, are the same picture.
    pub const SAME: f64 = 2.0;

    /// Distance of the hashes beyond which pictures are not compared by pixel.
    pub const WORTH_COMPARING: u32 = 8;

    /// The print of a picture on its background.
    pub fn of(picture: &RgbImage) -> Self {
        let small = imageops::resize(picture, SIDE, SIDE, FilterType::Triangle);
        Self { hash: DifferenceHash::of(picture), small }
    }

    /// Bits of the difference hashes that differ, 0 to 64.
    pub fn hash_distance(&self, other: &Self) -> u32 {
        self.hash.distance(other.hash)
    }

    /// Mean absolute difference of the small copies, in steps of 1/255 (0 to 255).
    pub fn difference(&self, other: &Self) -> f64 {
        mean_difference(&self.small, &other.small)
    }

    /// Whether they are the same picture, up to its size and how it was compressed.
    pub fn is_same(&self, other: &Self) -> bool {
        self.hash_distance(other) <= Self::WORTH_COMPARING && self.difference(other) < Self::SAME
    }
}
