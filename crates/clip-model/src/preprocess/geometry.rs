//! Sizes and windows as torchvision and open_clip compute them.

use std::ops::Range;

use super::ResizeMode;

/// The size that an image is resized to before it is cropped or padded.
pub(super) fn resized_size(mode: ResizeMode, (width, height): (u32, u32), size: u32) -> (u32, u32) {
    match mode {
        ResizeMode::Shortest => shortest_side_size(width, height, size),
        ResizeMode::Longest => longest_side_size(width, height, size),
        ResizeMode::Squash => (size, size),
    }
}

/// Torchvision's `Resize(size)`: the short side becomes `size`, the long side is rounded down.
fn shortest_side_size(width: u32, height: u32, size: u32) -> (u32, u32) {
    let (short, long) = (width.min(height).max(1), width.max(height));
    let long = (f64::from(size) * f64::from(long) / f64::from(short)) as u32;
    if width <= height { (size, long) } else { (long, size) }
}

/// open_clip's `ResizeKeepRatio(size, longest=1)`: the long side becomes `size`, the short side is
/// rounded half to even. Where that is zero Pillow raises; here it is one.
fn longest_side_size(width: u32, height: u32, size: u32) -> (u32, u32) {
    let ratio = f64::from(width.max(height)) / f64::from(size);
    let side = |length: u32| ((f64::from(length) / ratio).round_ties_even() as u32).clamp(1, size);
    (side(width), side(height))
}

/// Torchvision's `CenterCrop`: an odd margin is halved to the even neighbour, as Python rounds.
///
/// A length below `size` stays whole: it is padded afterwards.
pub(super) fn centre(length: u32, size: u32) -> Range<u32> {
    let margin = length.saturating_sub(size);
    let start = margin / 2 + u32::from(margin % 4 == 3);
    start..start + size.min(length)
}

/// How many pixels open_clip's `CenterCropOrPad` adds before a length to reach `size`.
pub(super) fn padding_before(length: u32, size: u32) -> u32 {
    size.saturating_sub(length) / 2
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn margins_are_halved_as_python_rounds() {
        let starts = [10, 11, 12, 13, 14].map(|length| centre(length, 10).start);
        assert_eq!(starts, [0, 0, 1, 2, 2]);
    }

    #[test]
    fn the_long_side_becomes_the_size_and_the_short_one_at_least_a_pixel() {
        assert_eq!(longest_side_size(30, 10, 12), (12, 4));
        assert_eq!(longest_side_size(10, 25, 5), (2, 5));
        assert_eq!(longest_side_size(1000, 1, 8), (8, 1));
    }
}
