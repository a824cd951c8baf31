//! What a source of pairs gives.

use image::DynamicImage;

use crate::decode::image_member;
use crate::{CaptionDraw, Captions, Cause, Fault, ImageProblem, RawSample, decode_image};

/// What a source gives for one pair, before augmentation.
#[derive(Clone, Debug, PartialEq)]
pub struct RawPair {
    /// What names the pair in messages.
    pub key: String,
    /// The image.
    pub image: PairImage,
    /// The captions to draw from.
    pub captions: Captions,
    /// What pairs of the same thing share; `None` when the source doesn't say.
    pub concept: Option<String>,
}

/// An image, decoded or not.
#[derive(Clone, Debug, PartialEq)]
pub enum PairImage {
    /// The bytes of an image file.
    Encoded(Vec<u8>),
    /// Pixels.
    Decoded(DynamicImage),
}

impl PairImage {
    /// The pixels, at most `max_pixels`.
    ///
    /// # Errors
    ///
    /// When there are more, which is noticed before they are decoded, or the bytes don't decode.
    pub fn decode(self, max_pixels: u64) -> Result<DynamicImage, ImageProblem> {
        match self {
            Self::Encoded(bytes) => decode_image(&bytes, max_pixels),
            Self::Decoded(image) => {
                let (width, height) = (image.width(), image.height());
                if u64::from(width) * u64::from(height) > max_pixels {
                    return Err(ImageProblem::TooManyPixels { width, height, limit: max_pixels });
                }
                Ok(image)
            }
        }
    }
}

impl RawPair {
    /// The pair that a sample's members make.
    ///
    /// # Errors
    ///
    /// A fault that names the sample, when it has no image, no caption, or is filtered out.
    pub fn of_sample(sample: &RawSample, captions: &CaptionDraw) -> Result<Self, Fault> {
        let text = captions.read(sample)?;
        let (key, image) = (sample.key.clone(), PairImage::Encoded(image_member(sample)?.to_vec()));
        Ok(Self { key, image, captions: text.captions, concept: text.concept })
    }
}

/// Pairs that can be got in any order, any number of times, by several threads.
pub trait PairSource: Send + Sync {
    /// Number of pairs, unusable ones among them.
    fn len(&self) -> usize;

    /// Whether there are no pairs. The sources of this crate never are: opening one is an error.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The pair at `index`, in `0..len()`: always the same one.
    ///
    /// # Errors
    ///
    /// A fault that names the source and the pair, when it can't be read, has no caption or is
    /// filtered out, or the index is past the end.
    fn get(&self, index: usize) -> Result<RawPair, Fault>;

    /// The source's name in messages: its file or folder.
    fn name(&self) -> &str;
}

/// The fault of an index past the end.
pub(super) fn past_the_end(source: &impl PairSource, index: usize) -> Fault {
    let reason = format!("pair {index} was asked for, but there are {}", source.len());
    let (shard, key) = (source.name().to_owned(), index.to_string());
    Fault { cause: Cause::SourceFailed, shard, key, reason }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{picture, png};

    #[test]
    fn images_decode_within_the_limit_whatever_they_come_as() {
        let image = picture(1);
        for pair in [PairImage::Encoded(png(&image)), PairImage::Decoded(image.clone())] {
            assert_eq!(pair.clone().decode(1_000).unwrap(), image);
            assert_eq!(pair.decode(10).unwrap_err().cause(), Cause::TooManyPixels);
        }
    }

    #[test]
    fn a_sample_makes_a_pair_or_a_fault() {
        let sample = |members: &[(&str, &[u8])]| RawSample {
            key: "k".into(),
            shard: "a.tar".into(),
            members: members
                .iter()
                .map(|(name, bytes)| (name.to_string(), bytes.to_vec()))
                .collect(),
        };
        let captions = CaptionDraw::default();
        let json = br#"{"concept": 7}"#.as_slice();
        let whole = sample(&[("txt", b"A cat."), ("jpg", b"bytes"), ("json", json)]);
        let pair = RawPair {
            key: "k".into(),
            image: PairImage::Encoded(b"bytes".to_vec()),
            captions: Captions::Text("A cat.".into()),
            concept: Some("7".into()),
        };
        assert_eq!(RawPair::of_sample(&whole, &captions).unwrap(), pair);
        let cause = |members: &[(&str, &[u8])]| {
            RawPair::of_sample(&sample(members), &captions).unwrap_err().cause
        };
        assert_eq!(cause(&[("txt", b"A cat.")]), Cause::NoImage);
        assert_eq!(cause(&[("jpg", b"bytes")]), Cause::NoCaption);
    }
}
