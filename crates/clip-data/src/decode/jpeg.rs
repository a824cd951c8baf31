//! JPEG to RGB, one file after the other into the same memory.

use std::fmt::Display;

use image::{ImageBuffer, Rgb};
use zune_core::bytestream::ZCursor;
use zune_core::colorspace::ColorSpace;
use zune_core::options::DecoderOptions;

use super::{ImageProblem, check_pixels};

/// Most pixels a side that the format can express.
const MAX_SIDE: usize = 65_535;

/// Memory for samples beyond this is given back after an image.
const MAX_KEPT_BYTES: usize = 64 << 20;

/// An RGB image in borrowed memory.
pub(crate) type BorrowedRgb<'a> = ImageBuffer<Rgb<u8>, &'a [u8]>;

/// A JPEG file of which the header was read and found to be within the limit.
pub(crate) struct JpegFile<'a> {
    #[cfg(feature = "turbojpeg")]
    bytes: &'a [u8],
    decoder: zune_jpeg::JpegDecoder<ZCursor<&'a [u8]>>,
    size: (u32, u32),
    /// What the samples are decoded to, before they become RGB.
    space: ColorSpace,
}

impl<'a> JpegFile<'a> {
    /// Whether bytes begin like a JPEG.
    pub fn is_one(bytes: &[u8]) -> bool {
        bytes.starts_with(&[0xff, 0xd8, 0xff])
    }

    /// Reads the header.
    ///
    /// # Errors
    ///
    /// When it says more than `max_pixels`, or the file is damaged, truncated or of a rare kind.
    pub fn open(bytes: &'a [u8], max_pixels: u64) -> Result<Self, ImageProblem> {
        let options = DecoderOptions::default()
            .set_strict_mode(false)
            .set_max_width(MAX_SIDE)
            .set_max_height(MAX_SIDE);
        let mut decoder = zune_jpeg::JpegDecoder::new_with_options(ZCursor::new(bytes), options);
        decoder.decode_headers().map_err(broken)?;
        let (width, height) = decoder.dimensions().ok_or_else(|| broken("it has no size"))?;
        let size = (width as u32, height as u32);
        check_pixels(size, max_pixels)?;
        if !has_end(bytes) {
            return Err(broken("the JPEG is truncated"));
        }
        let stored = decoder.input_colorspace().unwrap_or(ColorSpace::Unknown);
        let space = match stored {
            ColorSpace::Luma | ColorSpace::CMYK | ColorSpace::YCCK => stored,
            ColorSpace::YCbCr | ColorSpace::RGB => ColorSpace::RGB,
            other => return Err(broken(format!("JPEG of {other:?} is not supported"))),
        };
        decoder.set_options(decoder.options().jpeg_set_out_colorspace(space));
        Ok(Self {
            #[cfg(feature = "turbojpeg")]
            bytes,
            decoder,
            size,
            space,
        })
    }

    /// Width and height in pixels, at least one each.
    #[cfg(feature = "loader")]
    pub fn size(&self) -> (u32, u32) {
        self.size
    }
}

/// Decodes JPEGs into memory that is kept from one to the next.
#[derive(Default)]
pub(crate) struct JpegDecoder {
    samples: Vec<u8>,
    rgb: Vec<u8>,
    #[cfg(feature = "turbojpeg")]
    turbo: super::turbo::Turbo,
}

impl JpegDecoder {
    /// The pixels as Pillow's `convert("RGB")` gives them: inks count as stored inverted, as Adobe
    /// does. The EXIF orientation is ignored.
    ///
    /// # Errors
    ///
    /// When the file is damaged.
    pub fn decode(&mut self, mut file: JpegFile) -> Result<BorrowedRgb<'_>, ImageProblem> {
        self.give_back();
        #[cfg(feature = "turbojpeg")]
        if self.turbo.decode(file.bytes, file.space, file.size, &mut self.samples).is_some() {
            return self.rgb(file.space, file.size);
        }
        let length = file.decoder.output_buffer_size().ok_or_else(|| broken("it has no size"))?;
        self.samples.resize(length, 0);
        file.decoder.decode_into(&mut self.samples).map_err(broken)?;
        if file.space == ColorSpace::YCCK {
            for pixel in self.samples.as_chunks_mut().0 {
                *pixel = inks(*pixel);
            }
        }
        self.rgb(file.space, file.size)
    }

    /// The file's luma and chroma, each side divided by `reduction` (1, 2, 4 or 8). `None` if they
    /// can't be had: then [`decode`](Self::decode) it.
    #[cfg(all(feature = "loader", feature = "turbojpeg"))]
    pub fn planes(&mut self, file: &JpegFile, reduction: u32) -> Option<super::Planes<'_>> {
        self.give_back();
        self.turbo.decode_planes(file.bytes, file.size, reduction, &mut self.samples)
    }

    /// Gives the memory of a very large image before this one back.
    fn give_back(&mut self) {
        for buffer in [&mut self.samples, &mut self.rgb] {
            if buffer.capacity() > MAX_KEPT_BYTES {
                *buffer = Vec::new();
            }
        }
    }

    /// The decoded samples as RGB.
    fn rgb(
        &mut self,
        space: ColorSpace,
        (width, height): (u32, u32),
    ) -> Result<BorrowedRgb<'_>, ImageProblem> {
        self.rgb.clear();
        let pixels = match space {
            ColorSpace::RGB => &self.samples,
            ColorSpace::Luma => {
                self.rgb.extend(self.samples.iter().flat_map(|&grey| [grey; 3]));
                &self.rgb
            }
            _ => {
                self.rgb.extend(self.samples.as_chunks().0.iter().flat_map(ink_colour));
                &self.rgb
            }
        };
        ImageBuffer::from_raw(width, height, pixels.as_slice())
            .ok_or_else(|| broken("pixels are missing"))
    }
}

fn broken(reason: impl Display) -> ImageProblem {
    ImageProblem::Undecodable(reason.to_string())
}

/// Whether the marker of the image's end follows the last scan. Without it Pillow says the file is
/// truncated; the decoder would fill up with grey.
fn has_end(bytes: &[u8]) -> bool {
    let is = |marker: [u8; 2]| move |pair: &[u8]| pair == marker;
    let (scan, end) = (is([0xff, 0xda]), is([0xff, 0xd9]));
    // The end is found from the end, a scan from the start: neither search goes far.
    let Some(at) = bytes.windows(2).rposition(end) else { return false };
    bytes[..at].windows(2).any(scan) && !bytes[at..].windows(2).any(scan)
}

/// libjpeg's conversion of luma, chroma and black to inks.
fn inks([y, cb, cr, black]: [u8; 4]) -> [u8; 4] {
    const HALF: i32 = 1 << 15;
    let fixed = |factor: f64| (factor * 65536.0 + 0.5) as i32;
    let (y, cb, cr) = (i32::from(y), i32::from(cb) - 128, i32::from(cr) - 128);
    let red = y + ((fixed(1.402) * cr + HALF) >> 16);
    let green = y + ((-fixed(0.344_136_286) * cb - fixed(0.714_136_286) * cr + HALF) >> 16);
    let blue = y + ((fixed(1.772) * cb + HALF) >> 16);
    let [cyan, magenta, yellow] = [red, green, blue].map(|c| (255 - c).clamp(0, 255) as u8);
    [cyan, magenta, yellow, black]
}

/// Pillow's colour of inks that are stored inverted: each takes its share of what black leaves.
fn ink_colour(inverted: &[u8; 4]) -> [u8; 3] {
    let [cyan, magenta, yellow, light] = *inverted;
    let taken = |ink: u8| {
        let product = u32::from(!ink) * u32::from(light) + 128;
        (((product >> 8) + product) >> 8) as u8
    };
    [cyan, magenta, yellow].map(|ink| light.saturating_sub(taken(ink)))
}
