//! The whole against Pillow's, torchvision's and open_clip's results, which
//! `tests/preprocess/make_goldens.py` wrote.

use std::collections::HashMap;
use std::io::Read;
use std::path::PathBuf;

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::Deserialize;
use sha2::{Digest, Sha256};
use zip::ZipArchive;

use super::*;

/// How far a sample of a decoded JPEG may be from Pillow's.
const MAX_JPEG_DIFFERENCE: u8 = if cfg!(feature = "turbojpeg") { 0 } else { 4 };

/// A case's source, mode, interpolation, size, fill colour, hash and first bytes.
type Case = (String, ResizeMode, Interpolation, usize, u8, String, String);

#[derive(Deserialize)]
struct Cases {
    /// Name, Pillow's mode, width, height and the hash of `convert("RGB")`.
    sources: Vec<(String, String, u32, u32, String)>,
    cases: Vec<Case>,
    /// Source, preset, size and hash.
    tensors: Vec<(String, String, usize, String)>,
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
        let mut archive = ZipArchive::new(std::fs::File::open(path).unwrap()).unwrap();
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

    fn source(&self, name: &str) -> SourceImage {
        SourceImage::decode(self.bytes(name), DEFAULT_MAX_PIXELS).unwrap()
    }
}

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Without libjpeg-turbo a JPEG may differ from Pillow's in a few levels.
fn is_exact(source: &str) -> bool {
    cfg!(feature = "turbojpeg") || !source.ends_with(".jpg")
}

fn transform(case: &Case) -> ImageTransform {
    let &(_, resize_mode, interpolation, size, fill_color, ..) = case;
    ImageTransform { resize_mode, interpolation, fill_color, ..ImageTransform::openai(size) }
}

/// The cases whose result is another than open_clip's.
fn differing(goldens: &Goldens, result: impl Fn(&Case, &SourceImage) -> RgbImage) -> Vec<String> {
    let mut differing = Vec::new();
    for case in goldens.cases.cases.iter().filter(|case| is_exact(&case.0)) {
        let ours = result(case, &goldens.source(&case.0));
        if sha256(ours.as_raw()) != case.5 {
            let first: String = ours.iter().take(12).map(|byte| format!("{byte:02x}")).collect();
            differing.push(format!("{case:?} begins with {first}"));
        }
    }
    differing
}

#[test]
fn files_open_in_pillows_mode_and_convert_to_its_rgb() {
    let goldens = Goldens::read();
    let mut differing = Vec::new();
    for (name, mode, width, height, hash) in &goldens.cases.sources {
        let image = match SourceImage::decode(goldens.bytes(name), DEFAULT_MAX_PIXELS) {
            Ok(image) => image,
            Err(error) => {
                differing.push(format!("{name}: {error}"));
                continue;
            }
        };
        let expected = (mode.as_str(), *width, *height);
        if (image.mode(), image.width(), image.height()) != expected {
            differing.push(format!("{name}: {} for {expected:?}", image.mode()));
        } else if is_exact(name) && sha256(image.to_rgb().as_raw()) != *hash {
            differing.push(format!("{name}: other pixels"));
        }
    }
    assert!(differing.is_empty(), "{}", differing.join("\n"));
}

#[test]
fn the_transform_equals_open_clips_byte_for_byte() {
    let goldens = Goldens::read();
    let differing = differing(&goldens, |case, image| transform(case).apply(image));
    assert!(differing.is_empty(), "{}", differing.join("\n"));
    assert!(goldens.cases.cases.len() >= 300);
}

#[test]
fn the_comparison_notices_another_filter_order_or_margin() {
    let goldens = Goldens::read();
    let exact = goldens.cases.cases.iter().filter(|case| is_exact(&case.0)).count();
    let other_filter = differing(&goldens, |case, image| {
        let interpolation = match case.2 {
            Interpolation::Bicubic => Interpolation::Bilinear,
            Interpolation::Bilinear => Interpolation::Bicubic,
        };
        ImageTransform { interpolation, ..transform(case) }.apply(image)
    });
    assert!(other_filter.len() > exact / 3, "{} of {exact}", other_filter.len());
    let rgb_first =
        differing(&goldens, |case, image| transform(case).apply(&image.to_rgb().into()));
    assert!(rgb_first.len() > exact / 10, "{} of {exact}", rgb_first.len());
    let turned = differing(&goldens, |case, image| {
        let mut turned = SourceImage::from(image::imageops::flip_horizontal(&image.to_rgb()));
        turned = SourceImage::from(transform(case).apply(&turned));
        image::imageops::flip_horizontal(&turned.to_rgb())
    });
    assert!(turned.len() > rgb_first.len(), "{} of {exact}", turned.len());
}

#[test]
fn the_tensor_equals_torchvisions_to_the_bit() {
    let goldens = Goldens::read();
    assert!(goldens.cases.tensors.len() >= 20);
    for (name, preset, size, hash) in &goldens.cases.tensors {
        let transform = match preset.as_str() {
            "openai" => ImageTransform::openai(*size),
            "siglip" => ImageTransform::siglip(*size),
            _ => ImageTransform::clipa(*size),
        };
        let tensor = transform.normalise(&transform.apply(&goldens.source(name)));
        let bytes: Vec<u8> = tensor.iter().flat_map(|value| value.to_le_bytes()).collect();
        assert_eq!(sha256(&bytes), *hash, "{name} {preset} {size}");
    }
}

/// The largest and the mean difference of bytes.
fn difference(ours: &[u8], expected: &[u8]) -> (u8, f64) {
    assert_eq!(ours.len(), expected.len());
    let differences = ours.iter().zip(expected).map(|(a, b)| a.abs_diff(*b));
    let sum: u64 = differences.clone().map(u64::from).sum();
    (differences.max().unwrap_or(0), sum as f64 / ours.len().max(1) as f64)
}

/// Without libjpeg-turbo an image of few pixels is upsampled otherwise at its edges.
fn is_compared(image: &SourceImage) -> bool {
    cfg!(feature = "turbojpeg") || image.width().min(image.height()) > 8
}

#[test]
fn jpegs_are_within_a_few_levels_of_pillows() {
    let goldens = Goldens::read();
    let mut compared = 0;
    let mut compare = |name: &str, ours: &RgbImage, expected: &[u8]| {
        let (most, mean) = difference(ours.as_raw(), expected);
        let most_mean = f64::from(MAX_JPEG_DIFFERENCE) / 8.0;
        assert!(most <= MAX_JPEG_DIFFERENCE && mean <= most_mean, "{name}: {most}, mean {mean}");
        compared += 1;
    };
    for (name, ..) in goldens.cases.sources.iter().filter(|source| source.0.ends_with(".jpg")) {
        let image = goldens.source(name);
        if is_compared(&image) {
            compare(name, &image.to_rgb(), &goldens.files[&format!("rgb/{name}")]);
        }
    }
    for (index, case) in goldens.cases.cases.iter().enumerate() {
        let Some(expected) = goldens.files.get(&format!("exact/{index}")) else { continue };
        let image = goldens.source(&case.0);
        if is_compared(&image) {
            compare(&format!("{case:?}"), &transform(case).apply(&image), expected);
        }
    }
    assert!(compared > 20, "{compared}");
}

/// Limits and robustness need no large images.
const FEW_PIXELS: u64 = 100_000;

#[test]
fn damaged_files_are_errors_or_images_and_never_panic() {
    let goldens = Goldens::read();
    let mut random = ChaCha8Rng::seed_from_u64(11);
    let (mut images, mut errors) = (0, 0);
    let sources = &goldens.cases.sources;
    let rounds = std::env::var("R").map_or(12, |r| r.parse().unwrap());
    for _ in 0..rounds {
        for (name, ..) in sources {
            let mut bytes = goldens.bytes(name).to_vec();
            match random.random_range(0..4) {
                0 => bytes.truncate(random.random_range(0..bytes.len())),
                // The header, where the sizes are.
                1 => flip_bit(&mut bytes, 40, &mut random),
                _ => (0..random.random_range(1..5))
                    .for_each(|_| flip_bit(&mut bytes, usize::MAX, &mut random)),
            }
            match SourceImage::decode(&bytes, FEW_PIXELS) {
                Ok(image) => {
                    assert!(u64::from(image.width()) * u64::from(image.height()) <= FEW_PIXELS);
                    let transform = ImageTransform {
                        resize_mode: ResizeMode::Longest,
                        ..ImageTransform::openai(5)
                    };
                    assert_eq!(transform.apply(&image).dimensions(), (5, 5));
                    images += 1;
                }
                Err(_) => errors += 1,
            }
        }
    }
    assert!(images > 500 && errors > 500, "{images} images, {errors} errors");
}

fn flip_bit(bytes: &mut [u8], within: usize, random: &mut ChaCha8Rng) {
    let position = random.random_range(0..bytes.len().min(within));
    bytes[position] ^= 1 << random.random_range(0..8);
}

#[test]
fn random_bytes_after_a_formats_signature_never_panic() {
    let mut random = ChaCha8Rng::seed_from_u64(12);
    let signatures: [&[u8]; 8] = [
        b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR",
        b"\xff\xd8\xff\xc0\0\x11\x08",
        b"RIFF\0\0\0\x40WEBPVP8L",
        b"GIF89a",
        b"BM",
        b"II*\0\x08\0\0\0",
        b"MM\0*\0\0\0\x08",
        b"",
    ];
    for signature in signatures {
        for length in 0..200 {
            let noise = (0..length).map(|_| random.random::<u8>());
            let bytes: Vec<u8> = signature.iter().copied().chain(noise).collect();
            assert!(SourceImage::decode(&bytes, FEW_PIXELS).is_err(), "{bytes:?}");
        }
    }
}

#[test]
fn too_many_pixels_are_an_error_from_the_header() {
    let goldens = Goldens::read();
    for (name, _, width, height, _) in &goldens.cases.sources {
        let pixels = u64::from(*width) * u64::from(*height);
        assert!(SourceImage::decode(goldens.bytes(name), pixels).is_ok());
        let error = SourceImage::decode(goldens.bytes(name), pixels - 1).unwrap_err();
        assert!(matches!(error, SourceError::TooManyPixels { .. }), "{name}: {error}");
    }
}

#[test]
fn errors_name_the_path_and_the_format() {
    let missing = SourceImage::open("no/such/file.png", 10).unwrap_err();
    assert!(missing.to_string().starts_with("cannot read the image no/such/file.png"));
    let broken = SourceImage::decode(b"\x89PNG\r\n\x1a\n", 10).unwrap_err();
    assert!(broken.to_string().starts_with("not a readable PNG image"), "{broken}");
    let text = SourceImage::decode(b"a caption", 10).unwrap_err();
    assert!(matches!(text, SourceError::UnknownFormat));
}

#[test]
fn a_jpegs_orientation_is_ignored_and_a_tiffs_is_applied() {
    let goldens = Goldens::read();
    let (name, _, width, height, _) =
        goldens.cases.sources.iter().find(|source| source.0.ends_with("turned6.jpg")).unwrap();
    let bytes = goldens.bytes(name);
    assert!(bytes.windows(4).any(|exif| exif == b"Exif"));
    let image = SourceImage::decode(bytes, DEFAULT_MAX_PIXELS).unwrap();
    assert_eq!((image.width(), image.height()), (*width, *height));
}

#[test]
fn images_without_a_file_equal_their_files() {
    let goldens = Goldens::read();
    for kind in
        [".RGB.png", ".RGBA.png", ".L.png", ".LA.png", ".I16.png", "6_16bit.png", "4_16bit.png"]
    {
        let found = goldens.cases.sources.iter().find(|source| source.0.ends_with(kind)).unwrap();
        let decoded = image::load_from_memory(goldens.bytes(&found.0)).unwrap();
        assert_eq!(SourceImage::from(decoded), goldens.source(&found.0), "{kind}");
    }
}

#[test]
fn an_extreme_aspect_ratio_costs_no_more_than_its_crop() {
    let sliver = SourceImage::from(RgbImage::new(1, 3_000_000));
    for resize_mode in [ResizeMode::Shortest, ResizeMode::Longest, ResizeMode::Squash] {
        let transform = ImageTransform { resize_mode, ..ImageTransform::openai(224) };
        assert_eq!(transform.apply(&sliver).dimensions(), (224, 224));
    }
}

#[test]
fn an_image_without_pixels_becomes_black() {
    let empty = SourceImage::from(RgbImage::new(0, 5));
    assert_eq!(ImageTransform::openai(4).apply(&empty), RgbImage::new(4, 4));
    assert_eq!(empty.to_rgb().dimensions(), (0, 5));
    assert_eq!(resize_bicubic(&RgbImage::new(3, 3), 0, 2).dimensions(), (0, 2));
    assert_eq!(resize_bicubic(&RgbImage::new(0, 0), 1, 2), RgbImage::new(1, 2));
}
