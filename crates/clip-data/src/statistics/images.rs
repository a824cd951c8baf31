//! What the images of a corpus are like, from their headers.

use std::io::Cursor;

use image::{ImageDecoder, ImageReader, Limits};
use serde::Serialize;

use super::config::StatisticsConfig;
use super::distinct::{Distinct, DistinctCounter};
use super::distribution::Distribution;
use super::hash_of;
use super::ranking::{Ranking, RankingCounter};
use crate::ImageProblem;

/// More memory than the header of any image needs.
const MAX_HEADER_BYTES: u64 = 64 << 20;

/// The images of a corpus, as far as their headers say: pixels aren't decoded.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ImageStatistics {
    /// Widths in pixels.
    pub widths: Distribution,
    /// Heights in pixels.
    pub heights: Distribution,
    /// A thousand times width over height.
    pub aspect_ratios: Distribution,
    /// Width times height, in pixels.
    pub pixels: Distribution,
    /// Encoded sizes in bytes.
    pub bytes: Distribution,
    /// Images with an alpha channel, used or not.
    pub with_alpha: u64,
    /// Images without colours.
    pub grey: u64,
    /// Formats by their contents, not their names.
    pub formats: Ranking,
    /// The most frequent pairs of width and height.
    pub sizes: Ranking,
    /// How many files are equal to the byte.
    pub distinct: Distinct,
}

/// What an image's header says.
pub(super) struct Header {
    format: &'static str,
    width: u32,
    height: u32,
    alpha: bool,
    grey: bool,
}

impl Header {
    /// Reads the header of an encoded image, told by content.
    pub fn read(bytes: &[u8], max_pixels: u64) -> Result<Self, ImageProblem> {
        let undecodable = |error: image::ImageError| ImageProblem::Undecodable(error.to_string());
        let mut reader = ImageReader::new(Cursor::new(bytes))
            .with_guessed_format()
            .map_err(|error| undecodable(error.into()))?;
        let mut limits = Limits::no_limits();
        limits.max_alloc = Some(MAX_HEADER_BYTES);
        reader.limits(limits);
        let format = reader.format().and_then(|format| format.extensions_str().first());
        let format = format.copied().unwrap_or_default();
        let decoder = reader.into_decoder().map_err(undecodable)?;
        let (width, height) = decoder.dimensions();
        if u64::from(width) * u64::from(height) > max_pixels {
            return Err(ImageProblem::TooManyPixels { width, height, limit: max_pixels });
        }
        if width == 0 || height == 0 {
            return Err(ImageProblem::Undecodable("it has no pixels".to_owned()));
        }
        let color = decoder.color_type();
        Ok(Self { format, width, height, alpha: color.has_alpha(), grey: !color.has_color() })
    }
}

pub(super) struct ImageCounter {
    all: ImageStatistics,
    formats: RankingCounter,
    sizes: RankingCounter,
    distinct: DistinctCounter,
}

impl ImageCounter {
    pub fn new(config: &StatisticsConfig) -> Self {
        Self {
            all: ImageStatistics::default(),
            formats: RankingCounter::new(config.max_ranked),
            sizes: RankingCounter::new(config.max_ranked),
            distinct: DistinctCounter::new(config.max_distinct),
        }
    }

    pub fn add(&mut self, header: &Header, bytes: &[u8]) {
        let (width, height) = (u64::from(header.width), u64::from(header.height));
        self.all.widths.add(width);
        self.all.heights.add(height);
        self.all.aspect_ratios.add((width * 1000 + height / 2) / height);
        self.all.pixels.add(width * height);
        self.all.bytes.add(bytes.len() as u64);
        self.all.with_alpha += u64::from(header.alpha);
        self.all.grey += u64::from(header.grey);
        self.formats.add(header.format);
        self.sizes.add(&format!("{width} × {height}"));
        self.distinct.add(hash_of(bytes));
    }

    pub fn merge(&mut self, other: Self) {
        self.all.widths.merge(other.all.widths);
        self.all.heights.merge(other.all.heights);
        self.all.aspect_ratios.merge(other.all.aspect_ratios);
        self.all.pixels.merge(other.all.pixels);
        self.all.bytes.merge(other.all.bytes);
        self.all.with_alpha += other.all.with_alpha;
        self.all.grey += other.all.grey;
        self.formats.merge(other.formats);
        self.sizes.merge(other.sizes);
        self.distinct.merge(other.distinct);
    }

    pub fn finish(self, top: usize) -> ImageStatistics {
        ImageStatistics {
            formats: self.formats.finish(top),
            sizes: self.sizes.finish(top),
            distinct: self.distinct.finish(),
            ..self.all
        }
    }
}

#[cfg(test)]
mod tests {
    use image::{DynamicImage, ImageFormat};

    use super::*;
    use crate::testing::{huge_png, png};

    #[test]
    fn headers_say_format_size_and_channels() {
        let read = |bytes: &[u8]| {
            let header = Header::read(bytes, 1000).unwrap();
            (header.format, header.width, header.height, header.alpha, header.grey)
        };
        assert_eq!(read(&png(&DynamicImage::new_rgba8(3, 2))), ("png", 3, 2, true, false));
        assert_eq!(read(&png(&DynamicImage::new_luma8(4, 5))), ("png", 4, 5, false, true));
        let mut jpeg = Cursor::new(Vec::new());
        DynamicImage::new_rgb8(6, 7).write_to(&mut jpeg, ImageFormat::Jpeg).unwrap();
        assert_eq!(read(jpeg.get_ref()), ("jpg", 6, 7, false, false));
    }

    #[test]
    fn headers_that_lie_or_break_off_are_problems() {
        let problem = |bytes: &[u8]| Header::read(bytes, 1000).err().unwrap().to_string();
        assert!(problem(&huge_png()).starts_with("100000 x 100000 pixels are more than"));
        assert!(problem(b"no image").starts_with("not a readable"));
        assert!(problem(&png(&DynamicImage::new_rgb8(1, 1))[..20]).starts_with("not a readable"));
    }
}
