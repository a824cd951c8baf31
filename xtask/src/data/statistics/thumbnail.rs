//! Picked samples as small pictures.

use std::io::Cursor;

use anyhow::Result;
use clip_data::{DEFAULT_MAX_PIXELS, Pick, decode_image};
use image::codecs::jpeg::JpegEncoder;
use image::{ImageFormat, RgbaImage};

/// The longer side at most, in pixels: twice what the page shows, for dense screens.
pub const SIDE: u32 = 256;

/// Images up to this side are shown with their pixels as squares.
const ICON_SIDE: u32 = 64;

const JPEG_QUALITY: u8 = 82;

/// A picked sample, ready to be shown.
pub struct Thumbnail<'a> {
    /// The sample.
    pub pick: &'a Pick,
    /// Its pixels, shrunk; `None` where they can't be decoded.
    pub image: Option<RgbaImage>,
}

impl<'a> Thumbnail<'a> {
    /// Decodes and shrinks the image of a pick.
    pub fn of(pick: &'a Pick) -> Self {
        let image = decode_image(&pick.image, DEFAULT_MAX_PIXELS).ok().map(|image| {
            let fits = image.width().max(image.height()) <= SIDE;
            let small = if fits { image } else { image.thumbnail(SIDE, SIDE) };
            small.to_rgba8()
        });
        Self { pick, image }
    }
}

/// Whether an image is so small that enlarging it should not blur it.
pub fn is_icon(image: &RgbaImage) -> bool {
    image.width().max(image.height()) <= ICON_SIDE
}

/// Whether anything would shine through.
pub fn is_transparent(image: &RgbaImage) -> bool {
    image.pixels().any(|pixel| pixel[3] < u8::MAX)
}

/// The image as a media type and a file: encoded anew, so that nothing but pixels is passed on.
pub fn encode(image: &RgbaImage) -> Result<(&'static str, Vec<u8>)> {
    let mut bytes = Cursor::new(Vec::new());
    if is_icon(image) || is_transparent(image) {
        image.write_to(&mut bytes, ImageFormat::Png)?;
        return Ok(("image/png", bytes.into_inner()));
    }
    let opaque = image::DynamicImage::from(image.clone()).to_rgb8();
    opaque.write_with_encoder(JpegEncoder::new_with_quality(&mut bytes, JPEG_QUALITY))?;
    Ok(("image/jpeg", bytes.into_inner()))
}

#[cfg(test)]
mod tests {
    use image::{DynamicImage, Rgba};

    use super::*;

    fn pick(image: &DynamicImage) -> Result<Pick> {
        let mut png = Cursor::new(Vec::new());
        image.write_to(&mut png, ImageFormat::Png)?;
        let image = png.into_inner();
        Ok(Pick { key: "k".into(), shard: "a.tar".into(), caption: None, image })
    }

    #[test]
    fn large_images_shrink_and_opaque_ones_become_jpeg() -> Result<()> {
        let wide = pick(&DynamicImage::new_rgb8(1000, 100))?;
        let image = Thumbnail::of(&wide).image;
        assert_eq!(image.as_ref().map(RgbaImage::dimensions), Some((256, 26)));
        assert_eq!(
            image.map(|image| encode(&image)).transpose()?.map(|file| file.0),
            Some("image/jpeg")
        );
        let clear = RgbaImage::from_pixel(100, 100, Rgba([1, 2, 3, 4]));
        assert_eq!(encode(&clear)?.0, "image/png");
        Ok(())
    }

    #[test]
    fn what_cannot_be_decoded_has_no_picture() {
        let broken = Pick { key: "k".into(), shard: "a.tar".into(), caption: None, image: vec![1] };
        assert!(Thumbnail::of(&broken).image.is_none());
    }
}
