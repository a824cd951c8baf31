//! scikit-learn's digits (Alpaydin and Kaynak 1998) from its package.

use std::io::Read;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use flate2::read::GzDecoder;
use image::GrayImage;

use super::pypi::PypiId;
use super::shards::{DIGITS, every_fifth, write};

/// The package, at any version: the digits have been the same since the first.
const PACKAGE: PypiId =
    PypiId { requirement: "scikit-learn", prefix: "scikit_learn-", suffix: ".whl" };
const MEMBER: &str = "sklearn/datasets/data/digits.csv.gz";

/// Side of an image in pixels.
const SIDE: u32 = 8;
/// The brightest shade.
const BRIGHTEST: f32 = 16.0;

/// Writes shards.
pub fn fetch(out: &Path, from: Option<&Path>) -> Result<(PathBuf, String)> {
    let packed = PACKAGE.read(from, MEMBER)?;
    let mut table = String::new();
    GzDecoder::new(packed.as_slice())
        .read_to_string(&mut table)
        .with_context(|| format!("{MEMBER} is damaged"))?;
    let images: Option<Vec<_>> = table.lines().map(digit).collect();
    let images = images.with_context(|| format!("a line of {MEMBER} is no digit"))?;
    write(&super::folder(out, "digits"), &DIGITS, &every_fifth(images)?)
}

/// 64 shades and the digit.
fn digit(line: &str) -> Option<(GrayImage, usize)> {
    let numbers: Option<Vec<f32>> = line.split(',').map(|number| number.parse().ok()).collect();
    let numbers = numbers.filter(|numbers| numbers.len() == 65)?;
    let (label, shades) = numbers.split_last()?;
    let pixels = shades.iter().map(|shade| (shade * 255.0 / BRIGHTEST).round() as u8).collect();
    Some((GrayImage::from_raw(SIDE, SIDE, pixels)?, *label as usize))
}
