//! From a file's bytes to a view of it.

use rand::Rng;

use super::TrainTransform;
use crate::decode::{JpegDecoder, JpegFile, decode_image};
use crate::{ImageProblem, PairImage};

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

    /// One random view of an image, `[image_size, image_size, 3]` bytes: what
    /// [`TrainTransform::apply`] makes of its pixels, but of an encoded one without copies, and
    /// with [`scaled_decoding`](TrainTransform::scaled_decoding) faster.
    ///
    /// # Errors
    ///
    /// When there are more than `max_pixels`, or the bytes don't decode.
    pub fn view(&mut self, image: PairImage, rng: &mut impl Rng) -> Result<Vec<u8>, ImageProblem> {
        match image {
            PairImage::Encoded(bytes) => self.view_bytes(&bytes, rng),
            decoded => {
                let image = decoded.decode(self.max_pixels)?;
                Ok(self.transform.apply(&image, rng).into_raw())
            }
        }
    }

    /// As [`view`](Self::view), of the bytes of an image file.
    ///
    /// # Errors
    ///
    /// As [`view`](Self::view).
    pub fn view_bytes(
        &mut self,
        bytes: &[u8],
        rng: &mut impl Rng,
    ) -> Result<Vec<u8>, ImageProblem> {
        let transform = &self.transform;
        if !JpegFile::is_one(bytes) {
            let image = decode_image(bytes, self.max_pixels)?;
            return Ok(transform.apply(&image, rng).into_raw());
        }
        let file = JpegFile::open(bytes, self.max_pixels)?;
        let view = transform.plan(file.size(), rng);
        #[cfg(feature = "turbojpeg")]
        if transform.scaled_decoding {
            let reduction = super::planes::reduction(view.crop, transform.image_size as u32);
            if let Some(planes) = self.jpeg.planes(&file, reduction) {
                return Ok(transform.render_planes(&planes, &view).into_raw());
            }
        }
        let image = self.jpeg.decode(file)?;
        Ok(transform.render(&image, view.crop, &view).into_raw())
    }
}
