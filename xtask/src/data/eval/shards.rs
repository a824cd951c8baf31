//! CLIP_benchmark's layout.

use std::fs;
use std::io::Cursor;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clip_data::{RawSample, ShardOptions, ShardWriter};
use image::{GrayImage, ImageFormat};

use crate::data::output::write_file;

/// One image of so many is to measure on.
const TEST_SHARE: usize = 5;

/// Writes digits as `train` and `test` shards with class names, every fifth of each class to measure
/// on.
pub fn write(folder: &Path, images: Vec<(GrayImage, usize)>) -> Result<(PathBuf, String)> {
    for split in ["train", "test"] {
        let shards = folder.join(split);
        if shards.exists() {
            fs::remove_dir_all(&shards)
                .with_context(|| format!("cannot replace {}", shards.display()))?;
        }
    }
    let mut seen = [0; 10];
    let is_test: Vec<bool> = images
        .iter()
        .map(|(_, label)| {
            seen[*label] += 1;
            seen[*label] % TEST_SHARE == 0
        })
        .collect();
    for (split, wanted) in [("train", false), ("test", true)] {
        let mut writer = ShardWriter::create(folder.join(split), ShardOptions::default())?;
        for (number, (image, label)) in images.iter().enumerate() {
            if is_test[number] != wanted {
                continue;
            }
            let mut png = Cursor::new(Vec::new());
            image.write_to(&mut png, ImageFormat::Png)?;
            writer.write(&RawSample {
                key: format!("{number:06}"),
                shard: "".into(),
                members: vec![
                    ("png".into(), png.into_inner()),
                    ("cls".into(), label.to_string().into_bytes()),
                ],
            })?;
        }
        writer.finish()?;
    }
    let names: String = (0..10).map(|digit| format!("{digit}\n")).collect();
    write_file(&folder.join("classnames.txt"), names.as_bytes())?;
    let test = is_test.iter().filter(|is_test| **is_test).count();
    let train = images.len() - test;
    Ok((folder.into(), format!("{train} images to learn from and {test} to measure on")))
}
