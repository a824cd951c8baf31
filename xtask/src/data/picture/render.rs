//! From SVG to pixels.

use anyhow::{Context, Result, ensure};
use image::RgbaImage;
use resvg::tiny_skia::{Pixmap, Transform};
use resvg::usvg::{Options, Tree};

/// Draws an SVG document in the middle of a transparent square of `side` pixels.
///
/// Colours are straight, not multiplied with alpha; invisible pixels are all zero.
pub fn render(svg: &str, side: u32) -> Result<RgbaImage> {
    let tree = Tree::from_str(svg, &Options::default()).context("the SVG does not parse")?;
    let mut pixmap = Pixmap::new(side, side).context("an image needs at least one pixel")?;
    let (width, height) = (tree.size().width(), tree.size().height());
    let scale = side as f32 / width.max(height);
    let fit = Transform::from_scale(scale, scale)
        .post_translate((side as f32 - width * scale) / 2.0, (side as f32 - height * scale) / 2.0);
    resvg::render(&tree, fit, &mut pixmap.as_mut());
    let straight = pixmap.pixels().iter().flat_map(|pixel| {
        let pixel = pixel.demultiply();
        [pixel.red(), pixel.green(), pixel.blue(), pixel.alpha()]
    });
    let image = RgbaImage::from_raw(side, side, straight.collect())
        .context("the rendered pixels do not fill the image")?;
    ensure!(image.pixels().any(|pixel| pixel[3] > 0), "nothing is visible");
    Ok(image)
}

#[cfg(test)]
mod tests {
    use clip_data::on_white;

    use super::*;

    /// A red square at half opacity over the left half of a 2 x 1 plane.
    const HALF_RED: &str = r#"<svg xmlns="http://www.w3.org/2000/svg" width="2" height="1"
        viewBox="0 0 2 1"><path d="M0 0h1v1h-1z" fill="red" opacity="0.5"/></svg>"#;

    #[test]
    fn colours_are_straight_and_the_drawing_is_centred() -> Result<()> {
        let image = render(HALF_RED, 4)?;
        assert_eq!(image.get_pixel(0, 0).0, [0; 4]);
        assert_eq!(image.get_pixel(0, 1).0, [255, 0, 0, 128]);
        assert_eq!(image.get_pixel(3, 1).0, [0; 4]);
        assert_eq!(on_white(&image).get_pixel(0, 1).0, [255, 127, 127]);
        assert_eq!(on_white(&image).get_pixel(3, 3).0, [255; 3]);
        Ok(())
    }

    #[test]
    fn an_empty_drawing_is_an_error() {
        let empty = r#"<svg xmlns="http://www.w3.org/2000/svg" width="1" height="1"/>"#;
        assert!(render(empty, 4).is_err());
    }
}
