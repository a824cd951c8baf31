//! What is kept of a picture to compare it with others.

use image::RgbImage;
use image::imageops::{self, FilterType};

use super::similar::{Hash, mean_difference};

/// Side of the thumbnails.
const SIDE: u32 = 16;

/// The difference hash and a small copy of a picture: under a kilobyte.
#[derive(Clone, Debug, PartialEq)]
pub struct Print {
    hash: Hash,
    small: RgbImage,
}

impl Print {
    /// The print of a picture on its background.
    pub fn of(picture: &RgbImage) -> Self {
        let small = imageops::resize(picture, SIDE, SIDE, FilterType::Triangle);
        Self { hash: Hash::of(picture), small }
    }

    /// Bits of the difference hashes that differ, 0 to 64.
    pub fn hash_distance(&self, other: &Self) -> u32 {
        self.hash.distance(other.hash)
    }

    /// Mean absolute difference of the small copies, in steps of 1/255 (0 to 255).
    pub fn difference(&self, other: &Self) -> f64 {
        mean_difference(&self.small, &other.small)
    }
}
