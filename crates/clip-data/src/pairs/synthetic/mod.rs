//! Pairs that are made up as they are asked for.

mod scene;

use image::codecs::jpeg::JpegEncoder;
use image::{DynamicImage, RgbImage};
use rand::{RngCore, SeedableRng};
use rand_chacha::ChaCha8Rng;

use self::scene::Scene;
use super::source::past_the_end;
use super::{PairImage, PairSource, RawPair};
use crate::{Captions, DEFAULT_MAX_PIXELS, DataError, Fault};

/// Side of the pictures, in pixels, where a spec gives none.
const DEFAULT_SIDE: u32 = 224;

/// Pictures that are encoded once and then given in turn.
const ENCODED: usize = 64;

/// The quality of the JPEG files, out of 100.
const JPEG_QUALITY: u8 = 90;

/// Strength of the grain, in levels: without it, JPEG files would be far smaller than those of
/// photographs and decode faster.
const GRAIN: u8 = 32;

/// Drawings of a coloured shape, each with a caption that fits it: for benchmarks and first tries.
///
/// A pair depends on its index and the pictures' size alone. The first [`SyntheticPairs::DISTINCT`]
/// captions differ, then they come again with another grain in the pictures. Pairs name no concept,
/// so that they fill a batch of any size.
pub struct SyntheticPairs {
    pairs: usize,
    width: u32,
    height: u32,
    name: String,
    /// The pictures as JPEG files; empty when they are drawn each time.
    encoded: Vec<Vec<u8>>,
}

impl SyntheticPairs {
    /// How many captions there are.
    pub const DISTINCT: usize = scene::SCENES;

    /// So many pairs, with pictures of this size in pixels that are given decoded.
    ///
    /// # Errors
    ///
    /// When there are no pairs or no pixels, or too many pixels.
    pub fn new(pairs: usize, width: u32, height: u32) -> Result<Self, DataError> {
        let name = format!("synthetic:{pairs}x{width}x{height}");
        let pixels = u64::from(width) * u64::from(height);
        let problem = if pairs == 0 {
            "there are no pairs".to_owned()
        } else if pixels == 0 || pixels > DEFAULT_MAX_PIXELS {
            format!("a picture of {pixels} pixels is impossible: at most {DEFAULT_MAX_PIXELS}")
        } else {
            return Ok(Self { pairs, width, height, name, encoded: Vec::new() });
        };
        Err(DataError::BadSpec { spec: name, reason: problem })
    }

    /// The same, but given as JPEG files, so that decoding takes part in what is measured. Only the
    /// first few dozen pairs are made and encoded, at once, and then come again and again.
    ///
    /// # Errors
    ///
    /// When the pictures are wider or higher than JPEG allows.
    pub fn encoded(mut self) -> Result<Self, DataError> {
        self.name.push_str(":jpeg");
        let encode = |index| {
            let mut bytes = Vec::new();
            let encoder = JpegEncoder::new_with_quality(&mut bytes, JPEG_QUALITY);
            match self.picture(index).write_with_encoder(encoder) {
                Ok(()) => Ok(bytes),
                Err(error) => {
                    Err(DataError::BadSpec { spec: self.name.clone(), reason: error.to_string() })
                }
            }
        };
        self.encoded = (0..self.pairs.min(ENCODED)).map(encode).collect::<Result<_, _>>()?;
        Ok(self)
    }

    /// Pairs as `N`, `NxWIDTHxHEIGHT`, or either with `:jpeg` say.
    pub(super) fn parse(spec: &str) -> Result<Self, DataError> {
        let (size, encoded) = spec.strip_suffix(":jpeg").map_or((spec, false), |size| (size, true));
        let parts: Vec<_> = size.split('x').map(|part| part.trim().parse::<u32>().ok()).collect();
        let pairs = match parts[..] {
            [Some(pairs)] => Self::new(pairs as usize, DEFAULT_SIDE, DEFAULT_SIDE),
            [Some(pairs), Some(width), Some(height)] => Self::new(pairs as usize, width, height),
            _ => {
                let spec = format!("synthetic:{spec}");
                let reason = "write synthetic:N or synthetic:NxWIDTHxHEIGHT, perhaps with :jpeg";
                Err(DataError::BadSpec { spec, reason: reason.to_owned() })
            }
        }?;
        if encoded { pairs.encoded() } else { Ok(pairs) }
    }

    fn picture(&self, index: usize) -> DynamicImage {
        let scene = Scene::at(index);
        let mut picture = RgbImage::new(self.width, self.height);
        // Grain first, then the drawing where the grain lies.
        ChaCha8Rng::seed_from_u64(index as u64).fill_bytes(&mut picture);
        for (x, y, pixel) in picture.enumerate_pixels_mut() {
            let colour = scene.colour([x, y], [self.width, self.height]);
            for (level, base) in pixel.0.iter_mut().zip(colour) {
                *level = base.saturating_add(*level % GRAIN).saturating_sub(GRAIN / 2);
            }
        }
        DynamicImage::ImageRgb8(picture)
    }
}

impl PairSource for SyntheticPairs {
    fn len(&self) -> usize {
        self.pairs
    }

    fn get(&self, index: usize) -> Result<RawPair, Fault> {
        if index >= self.pairs {
            return Err(past_the_end(self, index));
        }
        let (shown, image) = match index.checked_rem(self.encoded.len()) {
            Some(shown) => (shown, PairImage::Encoded(self.encoded[shown].clone())),
            None => (index, PairImage::Decoded(self.picture(index))),
        };
        let captions = Captions::Text(Scene::at(shown).caption());
        Ok(RawPair { key: index.to_string(), image, captions, concept: None })
    }

    fn name(&self) -> &str {
        &self.name
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pair_depends_on_its_index_alone() {
        let few = SyntheticPairs::new(3, 40, 30).unwrap();
        let many = SyntheticPairs::new(SyntheticPairs::DISTINCT + 2, 40, 30).unwrap();
        assert_eq!(few.get(2).unwrap(), many.get(2).unwrap());
        let again = many.get(SyntheticPairs::DISTINCT + 1).unwrap();
        assert_eq!(again.captions, few.get(1).unwrap().captions);
        assert_ne!(again.image, few.get(1).unwrap().image);
        let image = few.get(0).unwrap().image.decode(1_200).unwrap();
        assert_eq!((image.width(), image.height()), (40, 30));
        assert!(few.get(3).is_err());
    }

    #[test]
    fn encoded_pictures_decode_to_about_the_same() {
        let drawn = SyntheticPairs::new(100, 64, 48).unwrap();
        let encoded = SyntheticPairs::parse("100x64x48:jpeg").unwrap();
        assert_eq!(encoded.name(), "synthetic:100x64x48:jpeg");
        assert_eq!(encoded.get(ENCODED + 5).unwrap().captions, drawn.get(5).unwrap().captions);
        let pixels = |pairs: &SyntheticPairs| {
            pairs.get(5).unwrap().image.decode(10_000).unwrap().into_rgb8().into_raw()
        };
        let difference: u32 = pixels(&drawn)
            .iter()
            .zip(pixels(&encoded))
            .map(|(one, other)| u32::from(one.abs_diff(other)))
            .sum();
        assert!(difference / (64 * 48 * 3) < 10, "{difference}");
    }

    #[test]
    fn encoded_pictures_are_as_large_as_photographs() {
        let pairs = SyntheticPairs::parse("1x500x375:jpeg").unwrap();
        let PairImage::Encoded(bytes) = pairs.get(0).unwrap().image else { return };
        // ImageNet's have 110 kB on average.
        assert!((60_000..160_000).contains(&bytes.len()), "{}", bytes.len());
    }

    #[test]
    fn impossible_specs_are_explained() {
        for spec in ["", "0", "x", "1x2", "1x0x5", "1x2x3x4", "1x99999x99999", "-1", "1:png"] {
            let message = SyntheticPairs::parse(spec).err().unwrap().to_string();
            assert!(message.contains("`synthetic:"), "{message}");
        }
        assert!(SyntheticPairs::parse("1x70000x1:jpeg").is_err());
    }
}
