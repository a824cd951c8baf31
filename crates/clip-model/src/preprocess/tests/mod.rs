//! Everything against Pillow's, torchvision's and open_clip's results, which
//! `tests/preprocess/make_goldens.py` wrote.

mod equality;
mod files;

use std::collections::HashMap;
use std::fs::File;
use std::io::Read;
use std::path::PathBuf;

use serde::Deserialize;
use sha2::{Digest, Sha256};
use zip::ZipArchive;

use super::*;

/// Whether JPEGs decode as Pillow's, or only nearly so.
const JPEG_IS_EXACT: bool = cfg!(feature = "turbojpeg");

/// A file, and what Pillow makes of it.
#[derive(Deserialize)]
struct Source {
    name: String,
    mode: String,
    width: u32,
    height: u32,
    rgb_sha256: String,
}

/// A transform of a file, and what open_clip makes of it.
#[derive(Debug, Deserialize)]
struct Case {
    source: String,
    resize_mode: ResizeMode,
    interpolation: Interpolation,
    size: usize,
    fill_color: u8,
    sha256: String,
    /// In hexadecimal, to look at when the hashes differ.
    _first_bytes: String,
}

/// A family's transform of a file, to the tensor that open_clip makes.
#[derive(Deserialize)]
struct TensorCase {
    source: String,
    preset: String,
    size: usize,
    sha256: String,
}

#[derive(Deserialize)]
struct Cases {
    sources: Vec<Source>,
    cases: Vec<Case>,
    tensors: Vec<TensorCase>,
}

impl Case {
    fn transform(&self) -> ImageTransform {
        let &Self { resize_mode, interpolation, fill_color, size, .. } = self;
        ImageTransform { resize_mode, interpolation, fill_color, ..ImageTransform::openai(size) }
    }
}

/// The archive: its cases and its other members.
struct Goldens {
    cases: Cases,
    files: HashMap<String, Vec<u8>>,
}

impl Goldens {
    fn read() -> Self {
        let own = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/preprocess/goldens.zip");
        let path = std::env::var_os("CLIP_PREPROCESS_GOLDENS").map_or(own, PathBuf::from);
        let mut archive = ZipArchive::new(File::open(path).unwrap()).unwrap();
        let mut files = HashMap::new();
        for index in 0..archive.len() {
            let mut member = archive.by_index(index).unwrap();
            let mut bytes = Vec::new();
            member.read_to_end(&mut bytes).unwrap();
            files.insert(member.name().unwrap().into_owned(), bytes);
        }
        Self { cases: serde_json::from_slice(&files["cases.json"]).unwrap(), files }
    }

    fn bytes(&self, source: &str) -> &[u8] {
        &self.files[&format!("sources/{source}")]
    }

    fn image(&self, source: &str) -> SourceImage {
        SourceImage::decode(self.bytes(source), DEFAULT_MAX_PIXELS).unwrap()
    }

    /// The first file whose name ends so.
    fn find(&self, ending: &str) -> &Source {
        self.cases.sources.iter().find(|source| source.name.ends_with(ending)).unwrap()
    }
}

fn is_jpeg(source: &str) -> bool {
    source.ends_with(".jpg")
}

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}
