//! Shards and images for this crate's tests.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Cursor, Read};
use std::path::Path;

use image::{DynamicImage, ImageFormat, Rgb, RgbImage};
use tar::{Archive, Builder, Header};

/// A tar with these members (name, bytes) in order.
pub fn tar_bytes(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut tar = Builder::new(Vec::new());
    for (name, bytes) in members {
        let mut header = Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        tar.append_data(&mut header, name, *bytes).unwrap();
    }
    tar.into_inner().unwrap()
}

/// What `tests/images/make_goldens.py` wrote, by name.
pub fn goldens() -> BTreeMap<String, Vec<u8>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/images/goldens.tar");
    let mut archive = Archive::new(File::open(path).unwrap());
    let members = archive.entries().unwrap().map(|entry| {
        let mut entry = entry.unwrap();
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).unwrap();
        (entry.path().unwrap().to_str().unwrap().to_owned(), bytes)
    });
    members.collect()
}

/// An image as the bytes of a PNG file.
pub fn png(image: &DynamicImage) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    image.write_to(&mut bytes, ImageFormat::Png).unwrap();
    bytes.into_inner()
}

/// A small image that no other `number` has.
pub fn picture(number: usize) -> DynamicImage {
    let (width, height) = (9 + number as u32 % 4, 8 + number as u32 % 3);
    let shade = |x, y| Rgb([(number * 37) as u8, (x * 20) as u8, (y * 20 + number as u32) as u8]);
    DynamicImage::ImageRgb8(RgbImage::from_fn(width, height, shade))
}

/// A PNG file whose header says 100,000 x 100,000 pixels, and which holds none.
pub fn huge_png() -> Vec<u8> {
    let mut bytes = png(&DynamicImage::new_rgb8(1, 1));
    bytes[16..20].copy_from_slice(&100_000u32.to_be_bytes());
    bytes[20..24].copy_from_slice(&100_000u32.to_be_bytes());
    let mut crc = flate2::Crc::new();
    crc.update(&bytes[12..29]);
    bytes[29..33].copy_from_slice(&crc.sum().to_be_bytes());
    bytes
}

/// One sample to write: key, PNG bytes and caption members.
pub struct Sample {
    pub key: String,
    pub image: Vec<u8>,
    pub json: Option<String>,
}

impl Sample {
    /// A usable sample; drawings whose numbers are equal modulo `concepts` share a concept.
    pub fn drawing(number: usize, concepts: usize) -> Self {
        let concept = number % concepts;
        let json = format!(
            r#"{{"name": "thing {concept}", "keywords": ["red", "round", "n{number}"], "concept": "c{concept}"}}"#
        );
        Self { key: format!("{number:04}"), image: png(&picture(number)), json: Some(json) }
    }
}

/// Writes samples as one shard.
pub fn write_shard(path: &Path, samples: &[Sample]) {
    let names: Vec<_> = samples
        .iter()
        .map(|sample| (format!("{}.png", sample.key), format!("{}.json", sample.key)))
        .collect();
    let mut members: Vec<(&str, &[u8])> = Vec::new();
    for (sample, (image, json)) in samples.iter().zip(&names) {
        members.push((image, &sample.image));
        if let Some(text) = &sample.json {
            members.push((json, text.as_bytes()));
        }
    }
    std::fs::write(path, tar_bytes(&members)).unwrap();
}
