//! The picked images as one picture.

use std::io::Cursor;

use anyhow::Result;
use image::imageops::{FilterType, overlay, resize};
use image::{ImageFormat, Rgba, RgbaImage};

use super::thumbnail::{Thumbnail, is_icon};

/// Side of the square each image is fitted into, in pixels.
const CELL: u32 = 128;

/// Space between images and around them.
const GAP: u32 = 12;

/// Side of the squares under transparent images.
const CHECK: u32 = 8;

const PAPER: Rgba<u8> = Rgba([0xff, 0xff, 0xff, 0xff]);
const CHECKS: [Rgba<u8>; 2] = [PAPER, Rgba([0xdd, 0xdd, 0xdd, 0xff])];
const MISSING: Rgba<u8> = Rgba([0xf0, 0xee, 0xea, 0xff]);

/// Draws the images as a grid about as wide as high, row by row in their order, and encodes it as
/// PNG. An image that can't be decoded leaves a grey square.
pub fn png(thumbnails: &[Thumbnail<'_>]) -> Result<Vec<u8>> {
    let sheet = draw(thumbnails);
    let mut bytes = Cursor::new(Vec::new());
    sheet.write_to(&mut bytes, ImageFormat::Png)?;
    Ok(bytes.into_inner())
}

fn draw(thumbnails: &[Thumbnail<'_>]) -> RgbaImage {
    let count = thumbnails.len().max(1) as u32;
    let columns = f64::from(count).sqrt().ceil() as u32;
    let rows = count.div_ceil(columns);
    let side = |cells: u32| GAP + cells * (CELL + GAP);
    let mut sheet = RgbaImage::from_pixel(side(columns), side(rows), PAPER);
    for (number, thumbnail) in (0u32..).zip(thumbnails) {
        let cell = cell(thumbnail.image.as_ref());
        let centred = |cells: u32, size: u32| i64::from(side(cells) + (CELL - size) / 2);
        let x = centred(number % columns, cell.width());
        let y = centred(number / columns, cell.height());
        overlay(&mut sheet, &cell, x, y);
    }
    sheet
}

/// The image, fitted into a cell and put on a checkerboard, which shows where it is transparent.
fn cell(image: Option<&RgbaImage>) -> RgbaImage {
    let Some(image) = image else {
        return RgbaImage::from_pixel(CELL, CELL, MISSING);
    };
    let longer = image.width().max(image.height());
    let fitted = |side: u32| {
        let scaled = (f64::from(side) * f64::from(CELL) / f64::from(longer)).round() as u32;
        scaled.clamp(1, CELL)
    };
    let fitted = if is_icon(image) {
        let times = CELL / longer;
        resize(image, image.width() * times, image.height() * times, FilterType::Nearest)
    } else {
        resize(image, fitted(image.width()), fitted(image.height()), FilterType::Triangle)
    };
    let check = |x, y| CHECKS[((x / CHECK + y / CHECK) % 2) as usize];
    let mut cell = RgbaImage::from_fn(fitted.width(), fitted.height(), check);
    overlay(&mut cell, &fitted, 0, 0);
    cell
}

#[cfg(test)]
mod tests {
    use clip_data::Pick;

    use super::*;

    #[test]
    fn the_grid_holds_every_image_and_shows_what_is_clear() {
        let pick = Pick { key: "k".into(), shard: "a".into(), caption: None, image: vec![] };
        let red = RgbaImage::from_pixel(4, 2, Rgba([255, 0, 0, 255]));
        let images = [Some(red), Some(RgbaImage::new(200, 200)), None];
        let thumbnails = images.map(|image| Thumbnail { pick: &pick, image });
        let sheet = draw(&thumbnails);
        assert_eq!(sheet.dimensions(), (2 * CELL + 3 * GAP, 2 * CELL + 3 * GAP));
        let at = |column: u32, row: u32, dx, dy| {
            let start = |cells: u32| GAP + cells * (CELL + GAP);
            *sheet.get_pixel(start(column) + dx, start(row) + dy)
        };
        assert_eq!(at(0, 0, 64, 64), Rgba([255, 0, 0, 255]));
        assert_eq!(at(0, 0, 64, 2), PAPER, "a wide image leaves its cell free above");
        assert_eq!([at(1, 0, 0, 0), at(1, 0, CHECK, 0)], CHECKS);
        assert_eq!(at(0, 1, 5, 5), MISSING);
        assert_eq!(draw(&[]).dimensions(), (CELL + 2 * GAP, CELL + 2 * GAP));
    }
}
