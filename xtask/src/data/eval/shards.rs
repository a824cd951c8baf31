//! CLIP_benchmark's layout.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use clip_data::{RawSample, ShardOptions, ShardWriter};
use image::GrayImage;
use image::codecs::png::{CompressionType, FilterType, PngEncoder};

use crate::data::output::write_file;

/// The classes of digits.
pub const DIGITS: [&str; 10] = ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"];

/// One image of so many is to measure on.
const TEST_SHARE: usize = 5;

/// An image of a data set.
pub struct Labelled {
    /// The PNG file.
    pub png: Vec<u8>,
    /// Number of its class.
    pub label: usize,
    /// Whether it is to measure on, not to learn from.
    pub is_test: bool,
}

/// Encodes an image as a grey PNG file.
pub fn grey_png(image: &GrayImage) -> Result<Vec<u8>> {
    let mut png = Vec::new();
    // What is drawn in one shade on another is smallest without prediction from neighbours.
    let encoder =
        PngEncoder::new_with_quality(&mut png, CompressionType::Best, FilterType::NoFilter);
    image.write_with_encoder(encoder).context("cannot encode a PNG file")?;
    Ok(png)
}

/// Takes every fifth image of each class to measure on.
pub fn every_fifth(images: Vec<(GrayImage, usize)>) -> Result<Vec<Labelled>> {
    let mut seen: BTreeMap<usize, usize> = BTreeMap::new();
    let labelled = images.into_iter().map(|(image, label)| {
        let count = seen.entry(label).or_default();
        *count += 1;
        Ok(Labelled { png: grey_png(&image)?, label, is_test: count.is_multiple_of(TEST_SHARE) })
    });
    labelled.collect()
}

/// Writes `train` and `test` shards and the names of the classes; older ones are replaced.
pub fn write(folder: &Path, classes: &[&str], images: &[Labelled]) -> Result<(PathBuf, String)> {
    let nameless = images.iter().find(|image| image.label >= classes.len());
    ensure!(nameless.is_none(), "an image is of none of the {} classes", classes.len());
    for (split, wanted) in [("train", false), ("test", true)] {
        let shards = folder.join(split);
        if shards.exists() {
            fs::remove_dir_all(&shards)
                .with_context(|| format!("cannot replace {}", shards.display()))?;
        }
        let mut writer = ShardWriter::create(shards, ShardOptions::default())?;
        for (number, image) in images.iter().enumerate() {
            if image.is_test == wanted {
                writer.write(&sample(number, image))?;
            }
        }
        writer.finish()?;
    }
    let names: String = classes.iter().map(|name| format!("{name}\n")).collect();
    write_file(&folder.join("classnames.txt"), names.as_bytes())?;
    let test = images.iter().filter(|image| image.is_test).count();
    let train = images.len() - test;
    Ok((folder.into(), format!("{train} images to learn from and {test} to measure on")))
}

fn sample(number: usize, image: &Labelled) -> RawSample {
    RawSample {
        key: format!("{number:06}"),
        shard: "".into(),
        members: vec![
            ("png".into(), image.png.clone()),
            ("cls".into(), image.label.to_string().into_bytes()),
        ],
    }
}
