//! libjpeg-turbo: Pillow's decoder, which can also decode at a reduced size, and leave luma and
//! chroma as they are.

#[cfg(feature = "loader")]
use image::{ImageBuffer, Luma};
#[cfg(feature = "loader")]
use turbojpeg::{Colorspace, ScalingFactor, Subsamp, YuvImage, yuv_pixels_len};
use turbojpeg::{Decompressor, Image, PixelFormat};
use zune_core::colorspace::ColorSpace;

/// A decompressor, made when it is first needed.
#[derive(Default)]
pub(super) struct Turbo(Option<Decompressor>);

/// Luma or chroma of an image, at a size of its own.
#[cfg(feature = "loader")]
pub(crate) struct Plane<'a> {
    /// The samples. The last column and row may lie beyond the image.
    pub samples: ImageBuffer<Luma<u8>, &'a [u8]>,
    /// How many pixels of the image's width and height a sample stands for.
    pub pixels: [u32; 2],
}

/// Luma and, unless the image is grey, the chromas of blue and red.
#[cfg(feature = "loader")]
pub(crate) struct Planes<'a> {
    pub luma: Plane<'a>,
    pub chroma: Option<[Plane<'a>; 2]>,
}

impl Turbo {
    fn decompressor(&mut self) -> Option<&mut Decompressor> {
        if self.0.is_none() {
            self.0 = Decompressor::new().ok();
        }
        self.0.as_mut()
    }

    /// Decodes to `samples` of the given space.
    ///
    /// `None` where libjpeg-turbo sees damage: such files are left to the other decoder, because
    /// Pillow reads most of them.
    pub fn decode(
        &mut self,
        bytes: &[u8],
        space: ColorSpace,
        size: (u32, u32),
        samples: &mut Vec<u8>,
    ) -> Option<()> {
        let format = match space {
            ColorSpace::Luma => PixelFormat::GRAY,
            ColorSpace::RGB => PixelFormat::RGB,
            _ => PixelFormat::CMYK,
        };
        let (width, height) = (size.0 as usize, size.1 as usize);
        let decompressor = self.decompressor()?;
        let header = decompressor.read_header(bytes).ok()?;
        if (header.width, header.height) != (width, height) {
            return None;
        }
        #[cfg(feature = "loader")]
        decompressor.set_scaling_factor(ScalingFactor::ONE).ok()?;
        let pitch = width * format.size();
        samples.resize(pitch * height, 0);
        let output = Image { pixels: samples.as_mut_slice(), width, pitch, height, format };
        decompressor.decompress(bytes, output).ok()
    }

    /// Decodes luma and chroma, without making colours of them and with each side divided by
    /// `reduction` (1, 2, 4 or 8), to `samples`.
    ///
    /// `None` where libjpeg-turbo sees damage, and for other colours than luma and chroma.
    #[cfg(feature = "loader")]
    pub fn decode_planes<'a>(
        &mut self,
        bytes: &[u8],
        size: (u32, u32),
        reduction: u32,
        samples: &'a mut Vec<u8>,
    ) -> Option<Planes<'a>> {
        let decompressor = self.decompressor()?;
        let header = decompressor.read_header(bytes).ok()?;
        let known = matches!(header.colorspace, Colorspace::YCbCr | Colorspace::Gray);
        if !known || (header.width, header.height) != (size.0 as usize, size.1 as usize) {
            return None;
        }
        let factor = ScalingFactor::new(1, reduction as usize);
        decompressor.set_scaling_factor(factor).ok()?;
        let (scaled, subsamp) = (header.scaled(factor), header.subsamp);
        let length = yuv_pixels_len(scaled.width, 1, scaled.height, subsamp).ok()?;
        samples.resize(length, 0);
        let image = YuvImage {
            pixels: samples.as_mut_slice(),
            width: scaled.width,
            align: 1,
            height: scaled.height,
            subsamp,
        };
        let (luma_size, chroma_size) = (image.y_size(), image.uv_size());
        decompressor.decompress_to_yuv(bytes, image).ok()?;
        let plane = |samples: &'a [u8], (width, height): (usize, usize), each: [usize; 2]| {
            let pixels = each.map(|each| each as u32 * reduction);
            let samples = ImageBuffer::from_raw(width as u32, height as u32, samples)?;
            Some(Plane { samples, pixels })
        };
        let (luma, rest) = samples.split_at_checked(luma_size.0 * luma_size.1)?;
        let luma = plane(luma, luma_size, [1, 1])?;
        if subsamp == Subsamp::Gray {
            return Some(Planes { luma, chroma: None });
        }
        let each = [subsamp.width(), subsamp.height()];
        let (blue, red) = rest.split_at_checked(chroma_size.0 * chroma_size.1)?;
        let chroma = [plane(blue, chroma_size, each)?, plane(red, chroma_size, each)?];
        Some(Planes { luma, chroma: Some(chroma) })
    }
}
