//! Changes of colour as Pillow's `ImageEnhance` and torchvision make them, byte for byte.

use image::{Rgb, RgbImage};

/// One change of all colours.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Adjustment {
    /// Multiplies what isn't black: 0 is a black image, 1 no change.
    Brightness(f32),
    /// Multiplies the distance to the mean grey: 0 is a grey image, 1 no change.
    Contrast(f32),
    /// Multiplies the distance to each pixel's grey: 0 is an image in greys, 1 no change.
    Saturation(f32),
    /// Turns the hues, in turns from -0.5 to 0.5.
    Hue(f32),
}

impl Adjustment {
    /// Changes the image's colours.
    pub fn apply(self, image: &mut RgbImage) {
        match self {
            Self::Brightness(factor) => blend(image, factor, |_| 0),
            Self::Contrast(factor) => {
                let mean = mean_grey(image);
                blend(image, factor, |_| mean);
            }
            Self::Saturation(factor) => blend(image, factor, grey),
            Self::Hue(turns) => turn_hue(image, turns),
        }
    }
}

/// Takes the colours away: torchvision's `Grayscale(3)`.
pub(super) fn to_grey(image: &mut RgbImage) {
    for pixel in image.pixels_mut() {
        pixel.0 = [grey(pixel); 3];
    }
}

/// Pillow's mode L of a colour (ITU-R 601-2).
fn grey(&Rgb([red, green, blue]): &Rgb<u8>) -> u8 {
    let weighed = u32::from(red) * 19595 + u32::from(green) * 38470 + u32::from(blue) * 7471;
    ((weighed + 0x8000) >> 16) as u8
}

/// The mean of the greys, rounded.
fn mean_grey(image: &RgbImage) -> u8 {
    let sum: u64 = image.pixels().map(|pixel| u64::from(grey(pixel))).sum();
    let count = image.pixels().len().max(1);
    (sum as f64 / count as f64 + 0.5) as u8
}

/// Pillow's `Image.blend(grey, image, factor)`, with a grey for each pixel.
fn blend(image: &mut RgbImage, factor: f32, grey: impl Fn(&Rgb<u8>) -> u8) {
    for pixel in image.pixels_mut() {
        let grey = i32::from(grey(pixel));
        for sample in &mut pixel.0 {
            let distance = i32::from(*sample) - grey;
            // Towards zero, and within a byte: as the cast does.
            *sample = (grey as f32 + factor * distance as f32) as u8;
        }
    }
}

/// Torchvision's `adjust_hue`: by way of Pillow's 8-bit HSV, which loses a little.
fn turn_hue(image: &mut RgbImage, turns: f32) {
    let turn = (f64::from(turns) * 255.0) as i32 as u8;
    for pixel in image.pixels_mut() {
        let [hue, saturation, value] = to_hsv(pixel.0);
        pixel.0 = from_hsv([hue.wrapping_add(turn), saturation, value]);
    }
}

/// Pillow's conversion; the precision of every step is part of the result.
fn to_hsv(colour: [u8; 3]) -> [u8; 3] {
    let [red, green, blue] = colour;
    let (most, least) = (red.max(green).max(blue), red.min(green).min(blue));
    if most == least {
        return [0, 0, most];
    }
    let range = f32::from(most - least);
    let saturation = range / f32::from(most);
    let [from_red, from_green, from_blue] = colour.map(|sample| f32::from(most - sample) / range);
    let sixths = if red == most {
        from_blue - from_green
    } else if green == most {
        (2.0 + f64::from(from_red) - f64::from(from_blue)) as f32
    } else {
        (4.0 + f64::from(from_green) - f64::from(from_red)) as f32
    };
    let turned = f64::from(sixths) / 6.0 + 1.0;
    let hue = if turned < 1.0 { turned } else { turned - 1.0 } as f32;
    [(f64::from(hue) * 255.0) as u8, (f64::from(saturation) * 255.0) as u8, most]
}

/// Pillow's conversion back.
fn from_hsv([hue, saturation, value]: [u8; 3]) -> [u8; 3] {
    if saturation == 0 {
        return [value; 3];
    }
    let sixths = f64::from(hue) * 6.0 / 255.0;
    let sector = sixths as u8;
    let rest = f64::from((sixths - f64::from(sector)) as f32);
    let saturation = f64::from((f64::from(saturation) / 255.0) as f32);
    let part = |share: f64| {
        let exact = f64::from(value) * (1.0 - share);
        let whole = exact as u8;
        whole + u8::from(exact - f64::from(whole) >= 0.5)
    };
    let (low, falling, rising) =
        (part(saturation), part(saturation * rest), part(saturation * (1.0 - rest)));
    match sector % 6 {
        0 => [value, rising, low],
        1 => [falling, value, low],
        2 => [low, value, rising],
        3 => [low, falling, value],
        4 => [rising, low, value],
        _ => [value, low, falling],
    }
}
