//! Image files of every mode through open_clip's evaluation transform, byte for byte.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use anyhow::{Context, Result};
use clip_model::preprocess::{
    DEFAULT_MAX_PIXELS, ImageTransform, Interpolation, ResizeMode, SourceImage,
};
use serde::Deserialize;
use sha2::{Digest, Sha256};
use zip::ZipArchive;

use crate::python::Python;
use crate::row::{Limit, Row};

const COUNT: &str = "2000";

#[derive(Deserialize)]
struct Cases {
    cases: Vec<Case>,
}

/// A transform of a file, and what open_clip makes of it.
#[derive(Deserialize)]
struct Case {
    source: String,
    resize_mode: ResizeMode,
    interpolation: Interpolation,
    size: usize,
    fill_color: u8,
    sha256: String,
    _first_bytes: String,
}

/// Compares other files than those of the tests.
pub fn compare(python: &Python, scratch: &Path, add: &mut impl FnMut(Row)) -> Result<()> {
    let path = scratch.join("images.zip");
    let out = path.to_str().context("a path that is not UTF-8")?;
    let script = "crates/clip-model/tests/preprocess/make_goldens.py";
    python.run(script, ["--count", COUNT, "--seed", "1", "--out", out])?;
    let mut archive = ZipArchive::new(File::open(&path)?)?;
    let cases: Cases = serde_json::from_slice(&member(&mut archive, "cases.json")?)?;
    let exact = Limit { abs: 0.0, rel: 0.0 };
    // Decoders of JPEG differ; libjpeg-turbo is Pillow's.
    let kinds = if cfg!(feature = "turbojpeg") { &[false, true][..] } else { &[false] };
    for &jpeg in kinds {
        let (mut count, mut different) = (0_usize, 0_usize);
        for case in cases.cases.iter().filter(|case| is_jpeg(&case.source) == jpeg) {
            let bytes = member(&mut archive, &format!("sources/{}", case.source))?;
            let image = SourceImage::decode(&bytes, DEFAULT_MAX_PIXELS)?;
            count += 1;
            different += usize::from(case.hash(&image) != case.sha256);
        }
        let kind = if jpeg { "JPEG" } else { "all other formats" };
        let differences = (different as f64, different as f64 / count as f64);
        let name = format!("preprocess, {kind} ({count})");
        add(Row::new(name, python.package("open_clip"), differences, exact));
    }
    Ok(())
}

impl Case {
    /// The hash of our pixels.
    fn hash(&self, image: &SourceImage) -> String {
        let &Self { resize_mode, interpolation, fill_color, size, .. } = self;
        let transform = ImageTransform {
            resize_mode,
            interpolation,
            fill_color,
            ..ImageTransform::openai(size)
        };
        let digest = Sha256::digest(transform.apply(image).as_raw());
        digest.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

fn is_jpeg(name: &str) -> bool {
    name.ends_with(".jpg")
}

fn member(archive: &mut ZipArchive<File>, name: &str) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    archive.by_name(name)?.read_to_end(&mut bytes)?;
    Ok(bytes)
}
