use image::imageops::{self, FilterType};
use image::{DynamicImage, RgbImage};

/// 64-bit difference hash: whether each pixel of a 9 x 8 grey thumbnail is brighter than its
/// right neighbour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DifferenceHash(u64);

impl DifferenceHash {
    /// The hash of an image.
    pub fn of(image: &RgbImage) -> Self {
        let grey = DynamicImage::from(image.clone()).into_luma8();
        let small = imageops::resize(&grey, 9, 8, FilterType::Triangle);
        let mut bits = 0;
        for y in 0..8 {
            for x in 0..8 {
                let brighter = small.get_pixel(x, y)[0] > small.get_pixel(x + 1, y)[0];
                bits = bits << 1 | u64::from(brighter);
            }
        }
        Self(bits)
    }

    /// Number of bits that differ, 0 to 64.
    pub fn distance(self, other: Self) -> u32 {
        (self.0 ^ other.0).count_ones()
    }
}

/// Mean absolute difference of two images of one size, in steps of 1/255 (0 to 255).
pub fn mean_difference(left: &RgbImage, right: &RgbImage) -> f64 {
    let pairs = left.as_raw().iter().zip(right.as_raw());
    let sum: u64 = pairs.map(|(left, right)| u64::from(left.abs_diff(*right))).sum();
    sum as f64 / left.as_raw().len().max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Grey that rises from left to right, brighter by `offset`.
    fn ramp(offset: u8) -> RgbImage {
        RgbImage::from_fn(45, 40, |x, _| image::Rgb([x as u8 * 3 + offset; 3]))
    }

    #[test]
    fn the_hash_sees_direction_and_not_brightness() {
        let rising = DifferenceHash::of(&ramp(0));
        assert_eq!(rising.distance(DifferenceHash::of(&ramp(40))), 0);
        assert_eq!(rising.distance(DifferenceHash::of(&imageops::flip_horizontal(&ramp(0)))), 64);
    }

    #[test]
    fn the_difference_is_a_mean_over_channels() {
        assert_eq!(mean_difference(&ramp(0), &ramp(0)), 0.0);
        assert_eq!(mean_difference(&ramp(0), &ramp(7)), 7.0);
    }
}
