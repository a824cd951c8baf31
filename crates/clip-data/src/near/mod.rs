//! How alike two pictures are.

mod hash;
mod print;

use image::{Rgb, RgbImage, RgbaImage};

pub use hash::{DifferenceHash, mean_difference};
pub use print::Print;

/// Puts a drawing with straight colours on a white background.
pub fn on_white(image: &RgbaImage) -> RgbImage {
    RgbImage::from_fn(image.width(), image.height(), |x, y| {
        let [red, green, blue, alpha] = image.get_pixel(x, y).0.map(u32::from);
        let over = |channel: u32| ((channel * alpha + 255 * (255 - alpha) + 127) / 255) as u8;
        Rgb([over(red), over(green), over(blue)])
    })
}
