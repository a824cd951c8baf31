//! A sentence as a picture.

use ab_glyph::{Font, FontVec, GlyphId, PxScale, ScaleFont, point};
use anyhow::{Context, Result, ensure};
use image::{GrayImage, Luma};

/// Side of a picture in pixels, as in Rendered SST2.
pub const SIDE: u32 = 448;
/// White on each side, in pixels.
const MARGIN: f32 = 20.0;
/// Sizes of the em square in pixels: the first at which a sentence fits is taken.
const SIZES: [f32; 5] = [40.0, 36.0, 32.0, 28.0, 24.0];

/// Draws a sentence in black on white, set to the left in lines of whole words, in the middle of the
/// height.
pub fn picture(text: &str, font: &FontVec) -> Result<GrayImage> {
    let missing = text.chars().find(|letter| font.glyph_id(*letter) == GlyphId(0));
    ensure!(missing.is_none(), "a font cannot show {missing:?} of \"{text}\"");
    let fits = SIZES.iter().find_map(|size| Page::set(text, font, *size));
    let page = fits.with_context(|| format!("\"{text}\" is too long for a picture"))?;
    Ok(page.draw(font))
}

/// A sentence in lines.
struct Page<'a> {
    lines: Vec<Vec<&'a str>>,
    scale: PxScale,
}

impl<'a> Page<'a> {
    /// Breaks a sentence into lines, unless it does not fit.
    fn set(text: &'a str, font: &FontVec, size: f32) -> Option<Self> {
        // The library's sizes are those of a line, not of the em square.
        let scale = PxScale::from(font.height_unscaled() * size / font.units_per_em()?);
        let inside = SIDE as f32 - 2.0 * MARGIN;
        let mut lines: Vec<Vec<&str>> = Vec::new();
        for word in text.split(' ') {
            if width(&[word], font, scale) > inside {
                return None;
            }
            match lines.last_mut() {
                Some(line) if width(&[line, &[word][..]].concat(), font, scale) <= inside => {
                    line.push(word);
                }
                _ => lines.push(vec![word]),
            }
        }
        let fits = lines.len() as f32 * line_height(font, scale) <= inside;
        fits.then_some(Self { lines, scale })
    }

    fn draw(&self, font: &FontVec) -> GrayImage {
        let mut image = GrayImage::from_pixel(SIDE, SIDE, Luma([255]));
        let step = line_height(font, self.scale);
        let top = (SIDE as f32 - self.lines.len() as f32 * step) / 2.0;
        let ascent = font.as_scaled(self.scale).ascent();
        for (number, line) in self.lines.iter().enumerate() {
            let baseline = (top + number as f32 * step + ascent).round();
            for (glyph, x) in places(line, font, self.scale).0 {
                let glyph = glyph
                    .with_scale_and_position(self.scale, point((MARGIN + x).round(), baseline));
                if let Some(outline) = font.outline_glyph(glyph) {
                    let corner = outline.px_bounds().min;
                    outline.draw(|x, y, cover| {
                        let (x, y) = (corner.x + x as f32, corner.y + y as f32);
                        darken(&mut image, x, y, cover);
                    });
                }
            }
        }
        image
    }
}

fn darken(image: &mut GrayImage, x: f32, y: f32, cover: f32) {
    if x >= 0.0
        && y >= 0.0
        && let Some(Luma([shade])) = image.get_pixel_mut_checked(x as u32, y as u32)
    {
        *shade = shade.saturating_sub((cover * 255.0).round() as u8);
    }
}

/// Distance of two lines in pixels.
fn line_height(font: &FontVec, scale: PxScale) -> f32 {
    let font = font.as_scaled(scale);
    font.height() + font.line_gap()
}

/// Width of a line in pixels.
fn width(line: &[&str], font: &FontVec, scale: PxScale) -> f32 {
    places(line, font, scale).1
}

/// The glyphs of a line, each with its distance from the line's beginning, and the line's width, in
/// pixels.
fn places(line: &[&str], font: &FontVec, scale: PxScale) -> (Vec<(GlyphId, f32)>, f32) {
    let font = font.as_scaled(scale);
    let (mut glyphs, mut x) = (Vec::<(GlyphId, f32)>::new(), 0.0);
    for letter in line.join(" ").chars() {
        let glyph = font.glyph_id(letter);
        if let Some((before, _)) = glyphs.last() {
            x += font.kern(*before, glyph);
        }
        glyphs.push((glyph, x));
        x += font.h_advance(glyph);
    }
    (glyphs, x)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Letters of this font are black squares as wide as the em square.
    fn ahem() -> Result<FontVec> {
        Ok(FontVec::try_from_vec(font_test_data::AHEM.to_vec())?)
    }

    /// For each row, whether any of its pixels is not white.
    fn dark_rows(image: &GrayImage) -> Vec<bool> {
        image.rows().map(|mut row| row.any(|pixel| pixel.0[0] < 255)).collect()
    }

    #[test]
    fn lines_hold_whole_words_at_the_largest_size_that_fits() -> Result<()> {
        let font = ahem()?;
        // Ten letters of 40 pixels are a line of 408.
        let page = Page::set("abcde fghi jk", &font, 40.0).context("it fits")?;
        assert_eq!(page.lines, [vec!["abcde", "fghi"], vec!["jk"]]);
        assert!(Page::set("abcdefghijk", &font, 40.0).is_none());
        assert!(Page::set("abcdefghijk", &font, 36.0).is_some());
        let message = picture(&"a".repeat(18), &font).err().map(|error| error.to_string());
        assert!(message.is_some_and(|text| text.contains("is too long for a picture")));
        Ok(())
    }

    #[test]
    fn every_letter_is_drawn_inside_the_margins() -> Result<()> {
        let text = "abcdefghij ".repeat(10);
        let image = picture(text.trim_end(), &ahem()?)?;
        let dark = image.pixels().filter(|pixel| pixel.0[0] < 128).count();
        assert_eq!(dark, 100 * 40 * 40);
        for (x, y, pixel) in image.enumerate_pixels() {
            let inside = |at: u32| (20..428).contains(&at);
            assert!(pixel.0[0] == 255 || inside(x) && inside(y), "{x} {y}");
        }
        Ok(())
    }

    #[test]
    fn a_short_sentence_stands_in_the_middle() -> Result<()> {
        let rows = dark_rows(&picture("abc", &ahem()?)?);
        assert_eq!(rows.iter().position(|dark| *dark), Some(204));
        assert_eq!(rows.iter().filter(|dark| **dark).count(), 40);
        Ok(())
    }

    #[test]
    fn a_letter_that_the_font_lacks_is_named() -> Result<()> {
        let message = picture("a\u{4e2d}", &ahem()?).err().map(|error| error.to_string());
        assert!(message.is_some_and(|text| text.contains('\u{4e2d}')));
        Ok(())
    }
}
