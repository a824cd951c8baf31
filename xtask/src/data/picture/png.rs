//! PNG files as small as they get without losing anything.

use std::borrow::Cow;
use std::collections::BTreeMap;

use anyhow::{Context, Result};
use image::DynamicImage;
use png::{ColorType, DeflateCompression, Encoder, Filter};

/// File name extension of the images, without the dot.
pub const EXTENSION: &str = "png";

/// Most colours a palette can hold.
const PALETTE_LIMIT: usize = 256;

/// A colour: red, green, blue, alpha.
type Colour = [u8; 4];

/// Encodes an image without loss: with a palette where it has few enough colours, which takes
/// two thirds of the bytes for flat drawings, else with full colours.
///
/// The file has an alpha channel if and only if `image` has one.
pub fn encode(image: &DynamicImage) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut encoder = Encoder::new(&mut bytes, image.width(), image.height());
    encoder.set_deflate_compression(DeflateCompression::Level(9));
    let data: Cow<[u8]> = match Palette::of(image) {
        Some(palette) => {
            encoder.set_color(ColorType::Indexed);
            encoder.set_palette(palette.colours());
            if image.color().has_alpha() {
                encoder.set_trns(palette.alphas());
            }
            // Neighbouring indices are not neighbouring colours; prediction only adds noise.
            encoder.set_filter(Filter::NoFilter);
            palette.pixels.into()
        }
        None => {
            let alpha = image.color().has_alpha();
            encoder.set_color(if alpha { ColorType::Rgba } else { ColorType::Rgb });
            encoder.set_filter(Filter::Adaptive);
            image.as_bytes().into()
        }
    };
    let mut writer = encoder.write_header().context("cannot encode a PNG header")?;
    writer.write_image_data(&data).context("cannot encode PNG pixels")?;
    writer.finish().context("cannot finish a PNG file")?;
    Ok(bytes)
}

/// An image as indices into its own colours.
struct Palette {
    /// Colours, the most frequent first.
    entries: Vec<Colour>,
    /// Index of each pixel's colour, row by row.
    pixels: Vec<u8>,
}

impl Palette {
    /// The palette of an image, or `None` if it has too many colours.
    fn of(image: &DynamicImage) -> Option<Self> {
        let image = image.to_rgba8();
        let mut counts: BTreeMap<Colour, usize> = BTreeMap::new();
        for pixel in image.pixels() {
            *counts.entry(pixel.0).or_default() += 1;
        }
        if counts.len() > PALETTE_LIMIT {
            return None;
        }
        let mut entries: Vec<Colour> = counts.keys().copied().collect();
        entries.sort_by_key(|colour| (std::cmp::Reverse(counts[colour]), *colour));
        let numbers: BTreeMap<Colour, u8> = entries.iter().copied().zip(0..=u8::MAX).collect();
        let pixels = image.pixels().map(|pixel| numbers[&pixel.0]).collect();
        Some(Self { entries, pixels })
    }

    /// Red, green and blue of all entries.
    fn colours(&self) -> Vec<u8> {
        self.entries.iter().flat_map(|[red, green, blue, _]| [*red, *green, *blue]).collect()
    }

    /// Alpha of the entries up to the last that is not opaque, which the format implies, and of
    /// one entry at least, by which readers know that there is an alpha channel.
    fn alphas(&self) -> Vec<u8> {
        let last = self.entries.iter().rposition(|colour| colour[3] < 255).unwrap_or(0);
        self.entries.iter().take(last + 1).map(|colour| colour[3]).collect()
    }
}

#[cfg(test)]
mod tests {
    use image::{Rgba, RgbaImage};

    use super::*;

    /// A square whose pixels repeat every `colours` pixels.
    fn image(side: u32, colours: u32) -> RgbaImage {
        RgbaImage::from_fn(side, side, |x, y| {
            let number = (y * side + x) % colours;
            Rgba([number as u8, (number / 256) as u8, 7, 255 - (number % 3) as u8])
        })
    }

    #[test]
    fn every_pixel_survives_with_few_and_with_many_colours() -> Result<()> {
        for colours in [1, 2, 256, 257, 1600] {
            let image = DynamicImage::from(image(40, colours));
            assert_eq!(image::load_from_memory(&encode(&image)?)?, image, "{colours} colours");
        }
        Ok(())
    }

    #[test]
    fn an_image_without_alpha_stays_without() -> Result<()> {
        for colours in [5, 900] {
            let image = DynamicImage::from(image(40, colours)).to_rgb8().into();
            assert_eq!(image::load_from_memory(&encode(&image)?)?, image, "{colours} colours");
        }
        Ok(())
    }

    #[test]
    fn a_palette_saves_bytes() -> Result<()> {
        let image = DynamicImage::from(image(40, 30));
        let mut plain = std::io::Cursor::new(Vec::new());
        image.write_to(&mut plain, image::ImageFormat::Png)?;
        assert!(encode(&image)?.len() < plain.into_inner().len());
        Ok(())
    }
}
