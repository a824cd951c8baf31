//! PNG files of any size, made small within bounded memory.

use std::io::Cursor;

use anyhow::{Context, Result, bail, ensure};
use image::RgbaImage;
use image::imageops::{self, FilterType};
use png::{ColorType, Decoder, Transformations};

/// Most pixels an image may have: at a gigapixel, decoding takes half a minute.
const MOST_PIXELS: u64 = 1 << 30;
/// Most pixels in a row: a row is the largest thing in memory.
const MOST_COLUMNS: u32 = 1 << 17;

/// A decoded image.
pub struct Shrunk {
    /// Straight colours, the longest side at most what was asked for.
    pub image: RgbaImage,
    /// Width and height in the file.
    pub original: (u32, u32),
    /// Texts that stand before the pixels, by keyword.
    pub texts: Vec<(String, String)>,
}

/// Decodes a PNG file row by row, averaging blocks of pixels on the way, so that memory depends
/// on the size asked for and not on the file's. Smaller images stay as they are.
pub fn shrink(file: &[u8], longest: u32) -> Result<Shrunk> {
    let mut decoder = Decoder::new(Cursor::new(file));
    decoder.set_transformations(Transformations::EXPAND | Transformations::STRIP_16);
    let mut reader = decoder.read_info().context("it can't be read as PNG")?;
    let info = reader.info();
    let original = (info.width, info.height);
    let (width, height) = original;
    ensure!(
        u64::from(width) * u64::from(height) <= MOST_PIXELS && width <= MOST_COLUMNS,
        "{width} x {height} pixels are too many",
    );
    ensure!(!info.interlaced, "interlaced files are not read");
    let latin = info.uncompressed_latin1_text.iter();
    let mut texts: Vec<_> = latin.map(|text| (text.keyword.clone(), as_utf8(&text.text))).collect();
    for text in &info.utf8_text {
        texts.push((text.keyword.clone(), text.get_text().unwrap_or_default()));
    }
    let channels = match reader.output_color_type().0 {
        ColorType::Grayscale => 1,
        ColorType::GrayscaleAlpha => 2,
        ColorType::Rgb => 3,
        ColorType::Rgba => 4,
        ColorType::Indexed => bail!("the palette is missing"),
    };
    let mut blocks = Blocks::new(original, (width.max(height) / (2 * longest)).max(1));
    while let Some(row) = reader.next_row().context("the pixels are damaged")? {
        blocks.add_row(row.data(), channels);
    }
    Ok(Shrunk { image: fit(blocks.finish()?, longest), original, texts })
}

/// Some programs write UTF-8 where the format says Latin-1.
fn as_utf8(text: &str) -> String {
    let bytes: Option<Vec<u8>> =
        text.chars().map(|letter| u8::try_from(u32::from(letter)).ok()).collect();
    bytes.and_then(|bytes| String::from_utf8(bytes).ok()).unwrap_or_else(|| text.to_owned())
}

/// Shrinks with colours multiplied with alpha, or invisible pixels would colour the edges.
fn fit(image: RgbaImage, longest: u32) -> RgbaImage {
    let (width, height) = image.dimensions();
    let most = width.max(height);
    if most <= longest {
        return image;
    }
    let scaled = |side: u32| {
        let exact = u64::from(side) * u64::from(longest) + u64::from(most / 2);
        u32::try_from(exact / u64::from(most)).unwrap_or(longest).max(1)
    };
    let mut image = image;
    for pixel in image.pixels_mut() {
        let [red, green, blue, alpha] = pixel.0.map(u32::from);
        let times = |colour: u32| ((colour * alpha + 127) / 255) as u8;
        pixel.0 = [times(red), times(green), times(blue), alpha as u8];
    }
    let mut small = imageops::resize(&image, scaled(width), scaled(height), FilterType::Triangle);
    for pixel in small.pixels_mut() {
        let [red, green, blue, alpha] = pixel.0.map(u32::from);
        let by = |colour: u32| ((colour * 255 + alpha / 2) / alpha.max(1)).min(255) as u8;
        pixel.0 = [by(red), by(green), by(blue), alpha as u8];
    }
    small
}

/// Square blocks of pixels, averaged as their rows come.
struct Blocks {
    /// Side of a block.
    side: u32,
    width: u32,
    columns: u32,
    rows: u32,
    /// Rows added so far.
    added: u32,
    /// Red, green and blue times alpha, alpha, and the number of pixels, by column.
    sums: Vec<[u64; 5]>,
    done: Vec<u8>,
}

impl Blocks {
    fn new((width, height): (u32, u32), side: u32) -> Self {
        let (columns, rows) = (width.div_ceil(side), height.div_ceil(side));
        let sums = vec![[0; 5]; columns as usize];
        Self { side, width, columns, rows, added: 0, sums, done: Vec::new() }
    }

    fn add_row(&mut self, row: &[u8], channels: usize) {
        for (x, pixel) in row.chunks_exact(channels).take(self.width as usize).enumerate() {
            let [red, green, blue, alpha] = match *pixel {
                [grey] => [grey, grey, grey, 255],
                [grey, alpha] => [grey, grey, grey, alpha],
                [red, green, blue] => [red, green, blue, 255],
                [red, green, blue, alpha] => [red, green, blue, alpha],
                _ => [0; 4],
            }
            .map(u64::from);
            let sum = &mut self.sums[x / self.side as usize];
            let add = [red * alpha, green * alpha, blue * alpha, alpha, 1];
            sum.iter_mut().zip(add).for_each(|(sum, add)| *sum += add);
        }
        self.added += 1;
        if self.added.is_multiple_of(self.side) {
            self.close_row();
        }
    }

    fn close_row(&mut self) {
        for sum in &mut self.sums {
            let [red, green, blue, alpha, count] = std::mem::take(sum);
            let mean = |colour: u64| ((colour + alpha / 2) / alpha.max(1)) as u8;
            let opacity = ((alpha + count / 2) / count.max(1)) as u8;
            self.done.extend([mean(red), mean(green), mean(blue), opacity]);
        }
    }

    fn finish(mut self) -> Result<RgbaImage> {
        if !self.added.is_multiple_of(self.side) {
            self.close_row();
        }
        RgbaImage::from_raw(self.columns, self.rows, self.done).context("rows are missing")
    }
}

#[cfg(test)]
mod tests {
    use super::super::png::encode;
    use super::*;

    fn png(width: u32, height: u32, colour: impl Fn(u32, u32) -> [u8; 4]) -> Result<Vec<u8>> {
        encode(&RgbaImage::from_fn(width, height, |x, y| image::Rgba(colour(x, y))).into())
    }

    #[test]
    fn a_small_image_is_not_touched() -> Result<()> {
        let colour = |x: u32, y: u32| [x as u8 * 9, y as u8 * 9, 7, 100 + x as u8];
        let small = shrink(&png(20, 10, colour)?, 20)?;
        assert_eq!(small.image.dimensions(), (20, 10));
        assert!(small.image.enumerate_pixels().all(|(x, y, pixel)| pixel.0 == colour(x, y)));
        Ok(())
    }

    #[test]
    fn a_large_image_keeps_its_shape_and_its_mean_colour() -> Result<()> {
        let chequered =
            png(999, 500, |x, y| [if (x + y) % 2 == 0 { 200 } else { 100 }, 0, 9, 255])?;
        let small = shrink(&chequered, 20)?;
        assert_eq!((small.image.dimensions(), small.original), ((20, 10), (999, 500)));
        assert!(small.image.pixels().all(|pixel| pixel[0].abs_diff(150) < 5 && pixel[3] == 255));
        Ok(())
    }

    #[test]
    fn invisible_pixels_do_not_colour_the_edges() -> Result<()> {
        let half = png(400, 400, |x, _| if x < 210 { [250, 0, 0, 255] } else { [0, 255, 0, 0] })?;
        let small = shrink(&half, 16)?.image;
        assert!(small.pixels().all(|pixel| pixel[3] == 0 || (pixel[0] > 245 && pixel[1] < 5)));
        Ok(())
    }

    #[test]
    fn a_header_that_promises_too_much_is_refused_before_memory_is_taken() -> Result<()> {
        let mut file = png(8, 8, |_, _| [0; 4])?;
        for size in [[0x7f, 0xff, 0xff, 0xff], [0x00, 0x03, 0x00, 0x00]] {
            file[16..20].copy_from_slice(&size);
            let mut crc = flate2::Crc::new();
            crc.update(&file[12..29]);
            file[29..33].copy_from_slice(&crc.sum().to_be_bytes());
            let message = shrink(&file, 16).err().map(|error| format!("{error:#}"));
            assert!(
                message.is_some_and(|text| text.contains("too many") || text.contains("limit"))
            );
        }
        assert!(shrink(b"no picture", 16).is_err());
        Ok(())
    }
}
