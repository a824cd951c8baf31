//! libjpeg-turbo: Pillow's decoder, which can also decode at a reduced size.

use turbojpeg::{Decompressor, Image, PixelFormat, ScalingFactor};
use zune_core::colorspace::ColorSpace;

/// A decompressor, made when it is first needed.
#[derive(Default)]
pub(super) struct Turbo(Option<Decompressor>);

impl Turbo {
    /// Decodes to `samples` of the given space, and says the size, `size` divided by `reduction`
    /// and rounded up.
    ///
    /// `None` where libjpeg-turbo sees damage: such files are left to the other decoder, because
    /// Pillow reads most of them.
    pub fn decode(
        &mut self,
        bytes: &[u8],
        space: ColorSpace,
        size: (u32, u32),
        reduction: u32,
        samples: &mut Vec<u8>,
    ) -> Option<(u32, u32)> {
        let format = match space {
            ColorSpace::Luma => PixelFormat::GRAY,
            ColorSpace::RGB => PixelFormat::RGB,
            _ => PixelFormat::CMYK,
        };
        if self.0.is_none() {
            self.0 = Decompressor::new().ok();
        }
        let decompressor = self.0.as_mut()?;
        let header = decompressor.read_header(bytes).ok()?;
        if (header.width, header.height) != (size.0 as usize, size.1 as usize) {
            return None;
        }
        let factor = ScalingFactor::new(1, reduction as usize);
        decompressor.set_scaling_factor(factor).ok()?;
        let scaled = header.scaled(factor);
        let (width, height, pitch) = (scaled.width, scaled.height, scaled.width * format.size());
        samples.resize(pitch * height, 0);
        let output = Image { pixels: samples.as_mut_slice(), width, pitch, height, format };
        decompressor.decompress(bytes, output).ok()?;
        Some((width as u32, height as u32))
    }
}
