//! TIFF of 1 to 16 bits: uncompressed, PackBits, LZW or deflate.

use std::fmt::Display;
use std::io::Cursor;

use ::tiff::ColorType;
use ::tiff::decoder::{Decoder, DecodingResult, Limits};
use ::tiff::tags::Tag;

use super::PixelLimit;
use super::bits::{stretched, unpacked};
use crate::preprocess::alpha::straight;
use crate::preprocess::pixels::Pixels;
use crate::preprocess::source::high_bytes;
use crate::preprocess::{SourceError, SourceImage};

/// Values of the tag `PhotometricInterpretation`.
const WHITE_IS_ZERO: u16 = 0;
const BLACK_IS_ZERO: u16 = 1;
const PALETTE: u16 = 3;

/// Values of the tag `ExtraSamples`.
const PREMULTIPLIED_ALPHA: u16 = 1;
const ALPHA: u16 = 2;

fn broken(reason: impl Display) -> SourceError {
    SourceError::undecodable("TIFF", reason)
}

/// Decodes the first page, in the mode that Pillow's `TiffImagePlugin` opens it in and turned as
/// its orientation says.
pub(super) fn decode(bytes: &[u8], limit: PixelLimit) -> Result<SourceImage, SourceError> {
    let tags = Tags::read(&mut open(bytes, limit)?)?;
    if tags.photometric != PALETTE {
        return page(&mut open(bytes, limit)?, limit, &tags);
    }
    // The decoder reads no palettes. As a grey image, the file yields its indices.
    let mut grey = bytes.to_vec();
    let value = photometric_value(&mut grey).ok_or_else(|| broken("its directory is odd"))?;
    let little_endian = bytes.starts_with(b"II");
    *value = if little_endian { BLACK_IS_ZERO.to_le_bytes() } else { BLACK_IS_ZERO.to_be_bytes() };
    page(&mut open(&grey, limit)?, limit, &tags)
}

type Reader<'a> = Decoder<Cursor<&'a [u8]>>;

fn open(bytes: &[u8], limit: PixelLimit) -> Result<Reader<'_>, SourceError> {
    let most = usize::try_from(limit.bytes()).unwrap_or(usize::MAX);
    let mut limits = Limits::default();
    limits.decoding_buffer_size = most;
    limits.intermediate_buffer_size = most;
    let mut decoder = Decoder::new(Cursor::new(bytes)).map_err(broken)?.with_limits(limits);
    let (width, height) = decoder.dimensions().map_err(broken)?;
    limit.check(width, height)?;
    Ok(decoder)
}

/// What the decoder doesn't apply itself.
struct Tags {
    photometric: u16,
    extra_samples: Vec<u16>,
    orientation: u16,
    colour_map: Vec<u16>,
}

impl Tags {
    fn read(decoder: &mut Reader) -> Result<Self, SourceError> {
        let mut values = |tag| -> Result<Vec<u16>, SourceError> {
            Ok(decoder.find_tag_unsigned_vec(tag).map_err(broken)?.unwrap_or_default())
        };
        Ok(Self {
            photometric: values(Tag::PhotometricInterpretation)?.first().copied().unwrap_or(0),
            extra_samples: values(Tag::ExtraSamples)?,
            orientation: values(Tag::Orientation)?.first().copied().unwrap_or(1),
            colour_map: values(Tag::ColorMap)?,
        })
    }

    /// The palette: all reds, then all greens, then all blues, of 16 bits.
    fn palette(&self) -> Box<[[u8; 3]; 256]> {
        let length = self.colour_map.len() / 3;
        let mut palette = Box::new([[0; 3]; 256]);
        for (index, colour) in palette.iter_mut().enumerate().take(length) {
            *colour = [0, 1, 2].map(|plane| (self.colour_map[plane * length + index] >> 8) as u8);
        }
        palette
    }
}

fn page(decoder: &mut Reader, limit: PixelLimit, tags: &Tags) -> Result<SourceImage, SourceError> {
    let (width, height) = decoder.dimensions().map_err(broken)?;
    limit.check(width, height)?;
    let colour = decoder.colortype().map_err(broken)?;
    let mut result = DecodingResult::U8(vec![]);
    let layout = decoder.read_image_to_buffer(&mut result).map_err(broken)?;
    if layout.planes != 1 {
        return Err(broken("colours in planes are not supported"));
    }
    let (width, height) = (width as usize, height as usize);
    let upright = Upright { width, height, orientation: tags.orientation };
    let pixels = match result {
        DecodingResult::U8(samples) => {
            let depth = colour.bit_depth();
            let stride = (width * usize::from(depth)).div_ceil(8);
            let samples = match colour.num_samples() {
                1 => unpacked(&samples, stride, width, depth),
                _ => samples,
            };
            let channels = usize::from(colour.num_samples());
            narrow_pixels(upright.turned(&samples, channels), colour, tags)
        }
        DecodingResult::U16(samples) => {
            let channels = usize::from(colour.num_samples());
            wide_pixels(upright.turned(&samples, channels), colour, tags)
        }
        _ => None,
    };
    let pixels = pixels.ok_or_else(|| broken(format!("{colour:?} is not supported")))?;
    let (width, height) = upright.size();
    SourceImage::new(width, height, pixels).ok_or_else(|| broken("pixels are missing"))
}

fn narrow_pixels(samples: Vec<u8>, colour: ColorType, tags: &Tags) -> Option<Pixels> {
    let extra = tags.extra_samples.first().copied();
    Some(match colour {
        ColorType::Gray(1 | 2 | 4 | 8) if tags.photometric == PALETTE => {
            Pixels::Indexed(samples, tags.palette())
        }
        ColorType::Gray(1) => Pixels::Bilevel(stretched(samples, 1)),
        ColorType::Gray(depth @ (2 | 4 | 8)) => Pixels::Grey(stretched(samples, depth)),
        ColorType::Multiband { bit_depth: 8, num_samples: 2 } if extra == Some(ALPHA) => {
            Pixels::GreyAlpha(samples)
        }
        ColorType::RGB(8) => Pixels::Rgb(samples),
        ColorType::RGBA(8) if extra == Some(PREMULTIPLIED_ALPHA) => {
            Pixels::Rgba(straight::<4>(samples))
        }
        ColorType::RGBA(8) => Pixels::Rgba(samples),
        ColorType::CMYK(8) => Pixels::Cmyk(samples),
        _ => return None,
    })
}

fn wide_pixels(mut samples: Vec<u16>, colour: ColorType, tags: &Tags) -> Option<Pixels> {
    if matches!(colour, ColorType::Gray(16)) {
        // The decoder inverted it; Pillow doesn't.
        if tags.photometric == WHITE_IS_ZERO {
            samples.iter_mut().for_each(|sample| *sample = !*sample);
        }
        return Some(Pixels::Grey16(samples));
    }
    let narrow = high_bytes(&samples);
    match colour {
        ColorType::RGB(16) => narrow_pixels(narrow, ColorType::RGB(8), tags),
        ColorType::RGBA(16) => narrow_pixels(narrow, ColorType::RGBA(8), tags),
        ColorType::CMYK(16) => narrow_pixels(narrow, ColorType::CMYK(8), tags),
        _ => None,
    }
}

/// How the stored rows are turned for display.
struct Upright {
    width: usize,
    height: usize,
    orientation: u16,
}

impl Upright {
    /// Width and height after the turn.
    fn size(&self) -> (u32, u32) {
        let (width, height) = (self.width as u32, self.height as u32);
        if self.swaps_axes() { (height, width) } else { (width, height) }
    }

    fn swaps_axes(&self) -> bool {
        (5..=8).contains(&self.orientation)
    }

    fn turned<S: Copy>(&self, samples: &[S], channels: usize) -> Vec<S> {
        let (last_column, last_row) = (self.width.max(1) - 1, self.height.max(1) - 1);
        let source = |x: usize, y: usize| match self.orientation {
            2 => (last_column - x, y),
            3 => (last_column - x, last_row - y),
            4 => (x, last_row - y),
            5 => (y, x),
            6 => (y, last_row - x),
            7 => (last_column - y, last_row - x),
            8 => (last_column - y, x),
            _ => (x, y),
        };
        if !(2..=8).contains(&self.orientation) {
            return samples.to_vec();
        }
        let (width, height) = self.size();
        let positions =
            (0..height as usize).flat_map(|y| (0..width as usize).map(move |x| source(x, y)));
        positions
            .filter_map(|(x, y)| {
                let start = (y * self.width + x) * channels;
                samples.get(start..start + channels)
            })
            .flatten()
            .copied()
            .collect()
    }
}

/// The place of the value of `PhotometricInterpretation` in the first directory of a classic TIFF.
fn photometric_value(bytes: &mut [u8]) -> Option<&mut [u8; 2]> {
    let little_endian = bytes.starts_with(b"II");
    let short = |at: usize| {
        let value = *bytes.get(at..)?.first_chunk()?;
        Some(if little_endian { u16::from_le_bytes(value) } else { u16::from_be_bytes(value) })
    };
    let offset = *bytes.get(4..)?.first_chunk()?;
    let offset =
        if little_endian { u32::from_le_bytes(offset) } else { u32::from_be_bytes(offset) };
    let directory = offset as usize;
    let entries = (0..usize::from(short(directory)?)).map(|index| directory + 2 + index * 12);
    let tag = Tag::PhotometricInterpretation.to_u16();
    let entry = entries.into_iter().find(|&entry| short(entry) == Some(tag))?;
    bytes.get_mut(entry + 8..)?.first_chunk_mut()
}
