//! From a file's bytes to a view of it.

use clip_model::preprocess::CropBox;
use rand::Rng;

use super::TrainTransform;
use crate::ImageProblem;
use crate::decode::{JpegDecoder, JpegFile, decode_image};

/// Decodes and transforms one image after the other, in memory that it keeps: one for each thread.
pub struct ViewMaker {
    transform: TrainTransform,
    max_pixels: u64,
    jpeg: JpegDecoder,
}

impl ViewMaker {
    /// For images of at most `max_pixels`.
    pub fn new(transform: TrainTransform, max_pixels: u64) -> Self {
        Self { transform, max_pixels, jpeg: JpegDecoder::default() }
    }

    /// One random view of an encoded image, `[image_size, image_size, 3]` bytes: what
    /// [`TrainTransform::apply`] makes of [`decode_image`](crate::decode_image), but without
    /// copies, and with [`scaled_decoding`](TrainTransform::scaled_decoding) faster.
    ///
    /// # Errors
    ///
    /// When the header says more than `max_pixels`, or the bytes don't decode.
    pub fn view(&mut self, bytes: &[u8], rng: &mut impl Rng) -> Result<Vec<u8>, ImageProblem> {
        let transform = &self.transform;
        if !JpegFile::is_one(bytes) {
            let image = decode_image(bytes, self.max_pixels)?;
            return Ok(transform.apply(&image, rng).into_raw());
        }
        let file = JpegFile::open(bytes, self.max_pixels)?;
        let size = file.size();
        let view = transform.plan(size, rng);
        let reduction = match transform.scaled_decoding {
            true => reduction(view.crop, transform.image_size as u32),
            false => 1,
        };
        let image = self.jpeg.decode(file, reduction)?;
        let crop = moved(view.crop, size, image.dimensions());
        Ok(transform.render(&image, crop, &view).into_raw())
    }
}

/// By how much a side may be divided for the crop to be at least `size` pixels wide and high. Other
/// fractions than these are slower to decode to than the whole.
fn reduction(crop: CropBox, size: u32) -> u32 {
    let shortest = crop.width.min(crop.height);
    [8, 4, 2].into_iter().find(|divisor| shortest / divisor >= size).unwrap_or(1)
}

/// The same part of an image that was decoded at another size.
fn moved(crop: CropBox, from: (u32, u32), to: (u32, u32)) -> CropBox {
    let edge = |at: u32, from: u32, to: u32| {
        (f64::from(at) * f64::from(to) / f64::from(from)).round() as u32
    };
    let (x, y) = (edge(crop.x, from.0, to.0), edge(crop.y, from.1, to.1));
    CropBox {
        x,
        y,
        width: edge(crop.x + crop.width, from.0, to.0) - x,
        height: edge(crop.y + crop.height, from.1, to.1) - y,
    }
}
