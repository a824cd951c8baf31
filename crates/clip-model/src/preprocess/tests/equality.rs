use image::imageops::flip_horizontal;

use super::*;

/// The cases, but for inexact JPEGs, whose result is another than open_clip's.
fn differing(goldens: &Goldens, result: impl Fn(&Case, &SourceImage) -> RgbImage) -> Vec<String> {
    let exact = |case: &&Case| JPEG_IS_EXACT || !is_jpeg(&case.source);
    let mut differing = Vec::new();
    for case in goldens.cases.cases.iter().filter(exact) {
        let ours = result(case, &goldens.image(&case.source));
        if sha256(ours.as_raw()) != case.sha256 {
            let first: String = ours.iter().take(12).map(|byte| format!("{byte:02x}")).collect();
            differing.push(format!("{case:?} begins with {first}"));
        }
    }
    differing
}

#[test]
fn files_open_in_pillows_mode_and_convert_to_its_rgb() {
    let goldens = Goldens::read();
    for Source { name, mode, width, height, rgb_sha256 } in &goldens.cases.sources {
        let image = goldens.image(name);
        assert_eq!(image.mode(), mode, "{name}");
        assert_eq!((image.width(), image.height()), (*width, *height), "{name}");
        if JPEG_IS_EXACT || !is_jpeg(name) {
            assert_eq!(sha256(image.to_rgb().as_raw()), *rgb_sha256, "{name}");
        }
    }
}

#[test]
fn the_transform_equals_open_clips_byte_for_byte() {
    let goldens = Goldens::read();
    let differing = differing(&goldens, |case, image| case.transform().apply(image));
    assert!(differing.is_empty(), "{}", differing.join("\n"));
    assert!(goldens.cases.cases.len() >= 300);
}

#[test]
fn the_comparison_notices_another_filter_another_order_and_another_margin() {
    let goldens = Goldens::read();
    let cases = goldens.cases.cases.len();
    let other_filter = differing(&goldens, |case, image| {
        let interpolation = match case.interpolation {
            Interpolation::Bicubic => Interpolation::Bilinear,
            Interpolation::Bilinear => Interpolation::Bicubic,
        };
        ImageTransform { interpolation, ..case.transform() }.apply(image)
    });
    assert!(other_filter.len() > cases / 4, "{} of {cases}", other_filter.len());
    let rgb_first = differing(&goldens, |case, image| {
        case.transform().apply(&SourceImage::from(image.to_rgb()))
    });
    assert!(rgb_first.len() > cases / 10, "{} of {cases}", rgb_first.len());
    let other_margin = differing(&goldens, |case, image| {
        let mirrored = SourceImage::from(flip_horizontal(&image.to_rgb()));
        flip_horizontal(&case.transform().apply(&mirrored))
    });
    assert!(other_margin.len() > rgb_first.len(), "{} of {cases}", other_margin.len());
}

#[test]
fn the_tensor_equals_torchvisions_to_the_bit() {
    let goldens = Goldens::read();
    assert!(goldens.cases.tensors.len() >= 20);
    for TensorCase { source, preset, size, sha256: expected } in &goldens.cases.tensors {
        let transform = match preset.as_str() {
            "openai" => ImageTransform::openai(*size),
            "siglip" => ImageTransform::siglip(*size),
            _ => ImageTransform::clipa(*size),
        };
        let tensor = transform.normalise(&transform.apply(&goldens.image(source)));
        let bytes: Vec<u8> = tensor.iter().flat_map(|value| value.to_le_bytes()).collect();
        assert_eq!(sha256(&bytes), *expected, "{source} {preset} {size}");
    }
}

/// Most levels that a sample of a JPEG may be off. Without libjpeg-turbo it is 2 inside of the
/// image, and more in the last column and row where the chroma is subsampled.
const MAX_JPEG_DIFFERENCE: f64 = if JPEG_IS_EXACT { 0.0 } else { 20.0 };

/// Most levels that a JPEG's samples may be off on average.
const MAX_JPEG_MEAN: f64 = if JPEG_IS_EXACT { 0.0 } else { 1.0 };

/// Images whose short side is at most this are mostly edge, unless libjpeg-turbo decodes.
const MOSTLY_EDGE: u32 = if JPEG_IS_EXACT { 0 } else { 11 };

#[test]
fn jpegs_are_within_a_few_levels_of_pillows() {
    let goldens = Goldens::read();
    let mut compared = 0;
    let mut compare = |name: &str, ours: &RgbImage, expected: &[u8]| {
        let differences = ours.iter().zip(expected).map(|(a, b)| f64::from(a.abs_diff(*b)));
        let most = differences.clone().fold(0.0, f64::max);
        let mean = differences.sum::<f64>() / expected.len() as f64;
        assert!(most <= MAX_JPEG_DIFFERENCE && mean <= MAX_JPEG_MEAN, "{name}: {most}, {mean}");
        assert_eq!(ours.len(), expected.len());
        compared += 1;
    };
    let is_large = |image: &SourceImage| image.width().min(image.height()) > MOSTLY_EDGE;
    for Source { name, .. } in goldens.cases.sources.iter().filter(|source| is_jpeg(&source.name)) {
        let image = goldens.image(name);
        if is_large(&image) {
            compare(name, &image.to_rgb(), &goldens.files[&format!("rgb/{name}")]);
        }
    }
    for (index, case) in goldens.cases.cases.iter().enumerate() {
        let Some(expected) = goldens.files.get(&format!("exact/{index}")) else { continue };
        let image = goldens.image(&case.source);
        if is_large(&image) {
            compare(&format!("{case:?}"), &case.transform().apply(&image), expected);
        }
    }
    assert!(compared > 40, "{compared}");
}

#[test]
fn decoded_images_equal_their_files() {
    let goldens = Goldens::read();
    for ending in
        [".RGB.png", ".RGBA.png", ".L.png", ".LA.png", ".I16.png", "6_16bit.png", "4_16bit.png"]
    {
        let name = &goldens.find(ending).name;
        let decoded = image::load_from_memory(goldens.bytes(name)).unwrap();
        assert_eq!(SourceImage::from(decoded), goldens.image(name), "{name}");
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

#[test]
fn a_crop_is_resized_as_if_it_were_cut_out_first() {
    let image = RgbImage::from_fn(61, 90, |x, y| Rgb([(x * y) as u8, (x ^ y) as u8 * 2, y as u8]));
    for (x, y, width, height) in [(0, 0, 61, 90), (3, 5, 40, 33), (60, 0, 1, 90), (7, 80, 54, 10)] {
        let cut = image::imageops::crop_imm(&image, x, y, width, height).to_image();
        for size in [(1, 1), (16, 16), (33, 80), (90, 7)] {
            let crop = CropBox { x, y, width, height };
            let resized = resize_crop(&image, crop, size, Interpolation::Bicubic);
            assert!(resized == resize_bicubic(&cut, size.0, size.1), "{crop:?} {size:?}");
        }
    }
    let beyond = CropBox { x: 50, y: 61, width: u32::MAX, height: 1 << 20 };
    let corner = CropBox { x: 50, y: 61, width: 11, height: 29 };
    let resized = |crop| resize_crop(&image, crop, (9, 8), Interpolation::Bilinear);
    assert_eq!(resized(beyond), resized(corner));
    assert_eq!(resized(CropBox { x: 61, y: 0, width: 2, height: 2 }), RgbImage::new(9, 8));
}

#[test]
fn edges_between_pixels_are_no_crop_and_whole_ones_of_the_whole_plane_are() {
    let plane = GrayImage::from_fn(40, 30, |x, y| image::Luma([(x * x + 7 * y) as u8]));
    let part = |edges| resize_plane(&plane, edges, (16, 12), Interpolation::Bicubic);
    let colours = DynamicImage::from(plane.clone()).to_rgb8();
    let whole = DynamicImage::from(resize_bicubic(&colours, 16, 12)).to_luma8();
    assert_eq!(part([0.0, 0.0, 40.0, 30.0]), whole);
    assert_eq!(part([-3.0, f32::NEG_INFINITY, 99.0, 30.5]), whole);
    assert_ne!(part([0.5, 0.0, 40.0, 30.0]), whole);
    for empty in [[5.0, 0.0, 5.0, 9.0], [41.0, 0.0, 50.0, 9.0], [f32::NAN; 4], [9.0, 9.0, 1.0, 1.0]]
    {
        let _ = part(empty);
    }
    assert_eq!(part([41.0, 0.0, 50.0, 9.0]), GrayImage::new(16, 12));
}
